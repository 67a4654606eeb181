"""More pods when there is more to do."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from scenario.load import load
from scenario.modelstage import ModelStage
from scenario.release import Release
from testnode.eventually import eventually
from testnode.figures import record

pytestmark = pytest.mark.full

SCALED = {"enabled": True, "minReplicas": 1, "maxReplicas": 2, "cpuPercent": 10}


def test_a_busy_model_gets_a_second_pod(
    stage: ModelStage, release: Release, with_addon: Callable[[str], None]
) -> None:
    with_addon("metrics-server")
    release.install(stage.values(autoscaling=SCALED))
    eventually(lambda: stage.request().once())
    assert len(stage.pods("stable")) == 1
    begun = time.monotonic()
    with load(stage.request(), connections=2) as answers:
        eventually(lambda: len(stage.pods("stable")) == 2, within_s=180)
    record("model: busy to a second pod", time.monotonic() - begun, "s")
    assert answers.failed == []
