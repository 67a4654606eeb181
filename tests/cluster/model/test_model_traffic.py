"""Who answers: by weight, by header, by copies; counted request by request through Envoy."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from scenario.load import Request, load, shared
from scenario.modelstage import MODEL, ModelStage
from scenario.release import Release
from testnode.eventually import eventually
from testnode.figures import record, timed

REQUESTS = 2000
MANY = 100_000
CONNECTIONS = 8
CANARY = {"version": 2, "weight": 10, "mirror": True}


@pytest.fixture(scope="module")
def served(stage: ModelStage) -> Iterator[Release]:
    release = stage.release()
    with timed("model: helm install of two versions, to all Ready"):
        release.install(stage.values(candidate=CANARY))
    eventually(lambda: stage.request().once())
    yield release
    release.uninstall()


def test_a_release_answers_its_test(served: Release) -> None:
    said = served.test()
    assert f"{MODEL}-stable: {{'status': 'ready', 'model': '{MODEL}', 'version': 1}}" in said
    assert f"{MODEL}-candidate: {{'status': 'ready', 'model': '{MODEL}', 'version': 2}}" in said


def test_shares_are_kept_and_the_others_are_copied(stage: ModelStage, served: Release) -> None:
    before = predictions(stage)
    answers = stage.request().times(REQUESTS)
    assert shared(answers, {"1": REQUESTS * 9 // 10, "2": REQUESTS // 10}), answers
    # every request is copied, so the candidate sees its own share twice
    expected = before + REQUESTS + answers["2"]
    eventually(lambda: predictions(stage) >= expected)
    assert predictions(stage) == expected


@pytest.mark.full
def test_shares_over_many_requests_of_many_connections(stage: ModelStage, served: Release) -> None:
    served.upgrade(stage.values(candidate={**CANARY, "mirror": False}))
    each = MANY // CONNECTIONS
    with ThreadPoolExecutor(CONNECTIONS) as askers:
        counted = askers.map(lambda _: stage.request().times(each), range(CONNECTIONS))
        answers = sum(counted, Counter())
    error = abs(answers["2"] / MANY - 0.1) * 100
    record(f"weight: error over {MANY} requests", error, "% absolute")
    assert error <= 0.5


def test_a_header_asks_for_the_candidate(stage: ModelStage, served: Release) -> None:
    asking = stage.request(**{"x-mizzen-version": "candidate"})
    assert asking.times(50) == {"2": 50}


def test_a_weight_is_in_force_soon(stage: ModelStage, served: Release) -> None:
    """From the change of the route to the last answer by the old weight."""
    served.upgrade(stage.values(candidate={**CANARY, "weight": 0, "mirror": False}))
    delays = []
    for weight in (100, 0, 100, 0, 100, 0):
        with load(stage.request(), connections=2) as answers:
            time.sleep(0.5)
            begun = time.monotonic()
            set_weight(stage, weight)
            time.sleep(3)
        old = "1" if weight else "2"
        delays.append(answers.lasts[old] - begun)
        assert not answers.failed
    for number, seconds in (("p50", sorted(delays)[2]), ("p99", max(delays))):
        record(f"weight change to traffic, {number}", seconds, "s")


def set_weight(stage: ModelStage, weight: int) -> None:
    """As a rollout does it: the route alone, without a release."""
    backends = "/spec/rules/0/backendRefs"
    patch = (
        f'[{{"op": "replace", "path": "{backends}/0/weight", "value": {100 - weight}}},'
        f'{{"op": "replace", "path": "{backends}/1/weight", "value": {weight}}}]'
    )
    where = ("--namespace", stage.namespace, "--type=json", "--patch", patch)
    stage.kubectl.run("patch", "httproute", MODEL, *where)


def predictions(stage: ModelStage) -> int:
    """How many the candidate's one pod has answered, by its own count."""
    page = Request(
        stage.address,
        f"/{MODEL}/metrics",
        read=lambda body: body.decode(),
        headers={"x-mizzen-version": "candidate"},
    ).once()
    count = 'mizzen_serving_requests_total{code="200",path="/predict"} '
    return sum(int(float(line[len(count) :])) for line in page.splitlines() if count in line)
