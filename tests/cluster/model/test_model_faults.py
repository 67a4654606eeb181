"""What is wrong is told by its name, and stays with who it concerns."""

from __future__ import annotations

import time
from typing import Any

import pytest
from scenario.load import load
from scenario.modelstage import MODEL, ModelStage
from scenario.release import Release
from testnode.errors import ClusterError
from testnode.eventually import eventually
from testnode.workloads import named

SOON_S = 20
BROKEN = {"version": 99, "weight": 10, "replicas": 3}


def test_a_version_that_does_not_exist_is_told_in_the_status_of_its_pod(
    stage: ModelStage, release: Release
) -> None:
    with pytest.raises(ClusterError, match=f"{MODEL}-stable"):
        release.install(stage.values(model={"version": 99}), within_s=SOON_S)
    told = init_states(stage, "stable")[0]["lastState"]["terminated"]
    assert told["exitCode"] == 3
    assert "has no version 99" in told["message"]
    assert "allowed: 1, 2" in told["message"]


def test_an_image_that_is_missing_is_told_in_the_status_of_its_pod(
    stage: ModelStage, release: Release
) -> None:
    with pytest.raises(ClusterError, match=f"{MODEL}-stable"):
        release.install(stage.values(image={"tag": "nowhere"}), within_s=SOON_S)
    eventually(lambda: reason(stage) in ("ErrImagePull", "ImagePullBackOff"))
    waiting = init_states(stage, "stable")[0]["state"]["waiting"]
    assert "mizzen/serving:nowhere" in waiting["message"]


def test_the_stable_version_answers_for_a_candidate_that_is_broken(
    stage: ModelStage, release: Release
) -> None:
    """Not even its share is lost, however many pods of it there should be."""
    release.install(stage.values(replicas=1))
    eventually(lambda: stage.request().once())
    with load(stage.request(), connections=2) as answers:
        with pytest.raises(ClusterError, match=f"{MODEL}-candidate"):
            release.upgrade(stage.values(replicas=1, candidate=BROKEN), within_s=SOON_S)
        time.sleep(1)
    assert answers.failed == []
    assert set(answers.counted) == {"1"}
    release.rollback(1)


def test_a_quota_that_is_exceeded_is_told_by_the_deployment(
    stage: ModelStage, release: Release
) -> None:
    release.install(stage.values(replicas=1))
    eventually(lambda: stage.request().once())
    limit_pods(stage)
    where = ("--namespace", stage.namespace)
    try:
        wanted = stage.values(replicas=1, candidate={"version": 2, "weight": 10})
        failing = pytest.raises(ClusterError, match=f"{MODEL}-candidate")
        with load(stage.request(), connections=2) as answers, failing:
            release.upgrade(wanted, within_s=SOON_S)
        status = stage.kubectl.get("deployment", f"{MODEL}-candidate", *where)["status"]
    finally:
        stage.kubectl.run("delete", "resourcequota", "full", *where)
    told = {condition["type"]: condition["message"] for condition in status["conditions"]}
    assert "exceeded quota: full" in told["ReplicaFailure"]
    assert answers.failed == []
    assert set(answers.counted) == {"1"}


def test_a_second_release_of_a_model_is_refused(stage: ModelStage, release: Release) -> None:
    release.install(stage.values())
    second = stage.release("another")
    try:
        with pytest.raises(ClusterError) as refused:
            second.install(stage.values(model={"name": MODEL}))
    finally:
        second.uninstall()
    assert "cannot be imported into the current release" in str(refused.value)
    assert f'must equal "another": current value is "{MODEL}"' in str(refused.value)
    assert eventually(lambda: stage.request().once()) == "1"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"candidate": {"wieght": 10}}, "additional properties 'wieght' not allowed"),
        ({"model": {"version": "champion"}}, "mizzen models list"),
        ({"candidate": {"weight": 10}}, "candidate.weight"),
    ],
)
def test_a_wrong_value_changes_nothing(
    stage: ModelStage, release: Release, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClusterError, match=said):
        release.install(stage.values(**values))
    assert stage.pods("stable") == []


def test_notes_tell_the_address_and_what_is_unsafe(stage: ModelStage, release: Release) -> None:
    said = release.install(stage.values(replicas=1))
    assert "One replica" in said
    assert "The prediction log is not shipped" in said
    node = stage.address[0]
    assert f"curl http://{node}/{MODEL}/readyz" in said


def init_states(stage: ModelStage, track: str) -> list[dict[str, Any]]:
    """Of the first init container of each pod."""
    found = [
        stage.kubectl.get("pod", name, "--namespace", stage.namespace) for name in stage.pods(track)
    ]
    return [pod["status"]["initContainerStatuses"][0] for pod in found]


def reason(stage: ModelStage) -> str:
    state = init_states(stage, "stable")[0]["state"]
    return str(state.get("waiting", {}).get("reason"))


def limit_pods(stage: ModelStage) -> None:
    """No pod more than there are, once those that were told to go are gone."""
    eventually(lambda: not any("deletionTimestamp" in pod["metadata"] for pod in pods(stage)))
    spec = {"hard": {"count/pods": str(len(pods(stage)))}}
    stage.kubectl.apply([named("v1", "ResourceQuota", "full", stage.namespace, spec=spec)])


def pods(stage: ModelStage) -> list[dict[str, Any]]:
    return list(stage.kubectl.get("pods", "--namespace", stage.namespace)["items"])
