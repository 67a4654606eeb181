"""The prediction log leaves its pod before the pod does."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scenario.inside import page_in
from scenario.load import load
from scenario.modelstage import MODEL, ModelStage
from scenario.release import Release
from testnode.eventually import eventually
from testnode.figures import record

from mizzen.adapters.segment_log.shipped import ShippedLog
from mizzen.core.place import Place
from mizzen.spec.profile import Profile

REQUESTS = 500
MANY = 20_000  # many more than a log of 1 MB holds


@pytest.fixture
def shipping(stage: ModelStage, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Values of a release whose log is shipped; this process may read what was."""
    environment, values = stage.ship_to(secrets.token_hex(4))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return values


def test_everything_that_was_answered_is_shipped_before_the_pods_go(
    stage: ModelStage, release: Release, shipping: dict[str, Any], tmp_path: Path
) -> None:
    """Through an update and an uninstall; the sidecar looks too seldom to have done it before."""
    release.install(stage.values(**shipping))
    eventually(lambda: stage.request().once())
    with load(stage.request(), connections=2, pause_s=0.01) as answers:
        release.upgrade(stage.values(**shipping, model={"version": 2}))
        time.sleep(5)
    answered = answers.counted.total() + stage.request().times(REQUESTS).total() + 1
    assert answers.failed == []
    begun = time.monotonic()
    release.uninstall()
    eventually(lambda: stage.pods("stable") == [] and not going(stage), within_s=120)
    record("log: told to go to shipped and gone", time.monotonic() - begun, "s")
    assert shipped(shipping, tmp_path) == answered


def test_a_log_that_is_full_when_the_pod_is_told_to_go_is_shipped_whole(
    stage: ModelStage, release: Release, shipping: dict[str, Any], tmp_path: Path
) -> None:
    """A full log refuses requests; what it answered before is in S3 when the pod is gone."""
    small = stage.train("serving.log.max_mb=1", "serving.log.segment_mb=1")
    release.install(stage.values(**shipping, replicas=1, model={"version": small}))
    eventually(lambda: stage.request().once())
    answered, refusal = until_refused(stage)
    assert "503" in refusal
    assert "1 MB are in use (max_mb)" in refusal
    release.uninstall()
    eventually(lambda: not going(stage), within_s=120)
    assert shipped(shipping, tmp_path) == answered + 1


def test_a_log_on_a_claim_is_shipped_before_its_volume_goes_with_the_pod(
    stage: ModelStage,
    release: Release,
    shipping: dict[str, Any],
    with_addon: Callable[[str], None],
    tmp_path: Path,
) -> None:
    with_addon("local-path-provisioner")
    shipping["log"]["volume"] = {"kind": "claim", "size": "1Gi"}
    release.install(stage.values(**shipping, replicas=1))
    eventually(lambda: stage.request().once())
    answered = 1 + stage.request().times(REQUESTS).total()
    (claim,) = claims(stage)
    assert claim["status"]["phase"] == "Bound"
    release.uninstall()
    eventually(lambda: not going(stage) and not claims(stage), within_s=120)
    assert shipped(shipping, tmp_path) == answered


def test_the_sidecar_tells_what_is_left(
    stage: ModelStage, release: Release, shipping: dict[str, Any]
) -> None:
    release.install(stage.values(**shipping, replicas=1))
    eventually(lambda: stage.request().once())
    where = (f"deployment/{MODEL}-stable", stage.namespace, "http://127.0.0.1:9464/metrics")
    assert "mizzen_ship_unshipped_bytes" in page_in(stage.kubectl, *where, container="serving")


def until_refused(stage: ModelStage) -> tuple[int, str]:
    """How many requests were answered before one was refused, and with which words."""
    for answered in range(MANY):
        try:
            stage.request().once()
        except OSError as error:
            return answered, str(error)
    raise AssertionError(f"{MANY} requests were answered")


def going(stage: ModelStage) -> list[Any]:
    label = f"mizzen.dev/model={MODEL}"
    found = stage.kubectl.get("pods", "--namespace", stage.namespace, "--selector", label)
    return list(found["items"])


def claims(stage: ModelStage) -> list[Any]:
    return list(stage.kubectl.get("pvc", "--namespace", stage.namespace)["items"])


def shipped(values: dict[str, Any], home: Path) -> int:
    url = values["log"]["ship"]["to"]
    document = {"apiVersion": "mizzen.dev/v1", "kind": "Profile", "prediction_log": {"url": url}}
    log = ShippedLog(Place(MODEL, home, Profile.model_validate(document)))
    return int(log.counts().predictions)
