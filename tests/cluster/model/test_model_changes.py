"""Pods, versions and weights change under load, and no request fails."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from scenario.load import Answers, load
from scenario.modelstage import MODEL, ModelStage, process_of
from scenario.release import Release
from testnode.eventually import eventually
from testnode.figures import record
from testnode.providers.choice import Provider
from testnode.providers.node import NodeProvider

AFTERWARDS_S = 12  # the last pod that was told to go answers through its drain


@pytest.fixture(scope="module")
def served(stage: ModelStage) -> Iterator[Release]:
    release = stage.release()
    release.install(stage.values())
    eventually(lambda: stage.request().once())
    yield release
    release.uninstall()


@contextmanager
def unnoticed(stage: ModelStage, what: str, connections: int = 4) -> Iterator[Answers]:
    """What happens within is not felt by those who ask; the figures are kept."""
    with load(stage.request(), connections) as answers:
        time.sleep(1)
        yield answers
        time.sleep(AFTERWARDS_S)
    record(f"{what}: requests", answers.counted.total(), "requests")
    record(f"{what}: requests failed", len(answers.failed), "requests")
    record(f"{what}: p99", answers.percentile(99), "ms")
    assert answers.failed == []


def test_an_update_fails_no_request(stage: ModelStage, served: Release) -> None:
    with unnoticed(stage, "model: rolling update") as answers:
        served.upgrade(stage.values(model={"version": 2}))
    assert set(answers.counted) == {"1", "2"}


def test_a_rollback_fails_no_request(stage: ModelStage, served: Release) -> None:
    served.upgrade(stage.values(model={"version": 2}))
    with unnoticed(stage, "model: helm rollback") as answers:
        served.rollback(1)
    assert set(answers.counted) == {"1", "2"}


def test_a_candidate_comes_is_weighted_and_takes_over(stage: ModelStage, served: Release) -> None:
    """Each at once: the candidate gets its share as soon as it is ready, and not before."""
    served.upgrade(stage.values())
    with unnoticed(stage, "canary: candidate with a weight, in one step") as answers:
        served.upgrade(stage.values(candidate={"version": 2, "weight": 10}))
    assert set(answers.counted) == {"1", "2"}
    with unnoticed(stage, "canary: weight steps") as answers:
        for weight in (25, 50, 75):
            served.upgrade(stage.values(candidate={"version": 2, "weight": weight}))
    with unnoticed(stage, "canary: promotion, the candidate goes") as answers:
        served.upgrade(stage.values(model={"version": 2}))
    assert "2" in answers.counted
    with unnoticed(stage, "canary: rollback to a candidate that is gone") as answers:
        served.rollback()


@pytest.mark.full
def test_fewer_pods_fail_no_request(stage: ModelStage, served: Release) -> None:
    served.upgrade(stage.values(replicas=3))
    with unnoticed(stage, "model: scaled down from 3 to 1"):
        served.upgrade(stage.values(replicas=1))


@pytest.mark.full
def test_other_values_fail_no_request(stage: ModelStage, served: Release) -> None:
    served.upgrade(stage.values())
    with unnoticed(stage, "model: upgrade with other values"):
        served.upgrade(stage.values(server={"queue": 64}, podLabels={"team": "arrivals"}))


@pytest.mark.full
def test_a_pod_that_is_evicted_is_not_felt(stage: ModelStage, served: Release) -> None:
    served.upgrade(stage.values())
    pod = stage.pods("stable")[0]
    with unnoticed(stage, "model: pod deleted"):
        stage.kubectl.run("delete", "pod", pod, "--namespace", stage.namespace)
        stage.kubectl.rolled_out(f"deployment/{MODEL}-stable", "--namespace", stage.namespace)


@pytest.mark.full
@pytest.mark.parametrize("how", ["pod", "process"])
def test_a_pod_that_is_killed_is_not_felt(
    stage: ModelStage, served: Release, cluster: Provider, how: str
) -> None:
    """Requests that it held are tried on the other one."""
    served.upgrade(stage.values())
    pod = stage.pods("stable")[0]
    kill = {"pod": _force, "process": _kill}[how]
    with unnoticed(stage, f"model: {how} killed"):
        kill(stage, cluster, pod)
        stage.kubectl.rolled_out(f"deployment/{MODEL}-stable", "--namespace", stage.namespace)


def _force(stage: ModelStage, _: Provider, pod: str) -> None:
    how = ("--force", "--grace-period=0", "--namespace", stage.namespace)
    stage.kubectl.run("delete", "pod", pod, *how)


def _kill(_: ModelStage, cluster: Provider, pod: str) -> None:
    assert isinstance(cluster, NodeProvider)
    os.kill(process_of(cluster.spec.name, pod, "mizzen_serving"), signal.SIGKILL)


@pytest.mark.full
def test_a_pod_goes_unheard_of_soon(stage: ModelStage, served: Release) -> None:
    """How late requests still reach a pod that was told to go: what the drain is for."""
    values = stage.values(candidate={"version": 2, "weight": 50}, server={"drainSeconds": 20})
    served.upgrade(values)
    pod = stage.pods("candidate")[0]
    with load(stage.request()) as answers:
        time.sleep(1)
        begun = time.monotonic()
        where = ("--namespace", stage.namespace, "--wait=false")
        stage.kubectl.run("delete", "pod", pod, *where)
        time.sleep(2)
        last = answers.lasts["2"]  # the next pod is not ready yet
        time.sleep(10)
    assert answers.failed == []
    record("pod told to go: last request it got, after", last - begun, "s")
