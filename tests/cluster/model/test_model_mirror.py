"""Copies of requests: whatever becomes of them, those who ask do not feel it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from scenario.load import load
from scenario.modelstage import MODEL, ModelStage, process_of
from scenario.release import Release
from testnode.eventually import eventually
from testnode.figures import record
from testnode.providers.choice import Provider
from testnode.providers.node import NodeProvider

pytestmark = pytest.mark.full

MEASURED_S = 8.0
MIRROR = {"version": 2, "mirror": True}


@pytest.fixture(scope="module")
def served(stage: ModelStage) -> Iterator[Release]:
    release = stage.release()
    release.install(stage.values(candidate=MIRROR))
    eventually(lambda: stage.request().once())
    yield release
    release.uninstall()


@pytest.mark.parametrize("mirror", ["none", "good", "hanging", "stopped"])
def test_those_who_ask_do_not_feel_a_mirror(
    stage: ModelStage, served: Release, cluster: Provider, mirror: str
) -> None:
    assert isinstance(cluster, NodeProvider)
    with MIRRORS[mirror](stage, served, cluster), load(stage.request(), pause_s=0.01) as answers:
        time.sleep(MEASURED_S)
    assert answers.failed == []
    assert set(answers.counted) == {"1"}
    for percent in (50, 99):
        record(f"primary with mirror {mirror}, p{percent}", answers.percentile(percent), "ms")


@contextmanager
def none(stage: ModelStage, served: Release, _: NodeProvider) -> Iterator[None]:
    served.upgrade(stage.values())
    yield
    served.upgrade(stage.values(candidate=MIRROR))


@contextmanager
def good(stage: ModelStage, served: Release, _: NodeProvider) -> Iterator[None]:
    yield


@contextmanager
def hanging(stage: ModelStage, served: Release, cluster: NodeProvider) -> Iterator[None]:
    """It takes connections and never answers."""
    pid = process_of(cluster.spec.name, stage.pods("candidate")[0], "mizzen_serving")
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@contextmanager
def stopped(stage: ModelStage, served: Release, _: NodeProvider) -> Iterator[None]:
    where = ("--namespace", stage.namespace)
    stage.kubectl.run("scale", f"deployment/{MODEL}-candidate", "--replicas=0", *where)
    eventually(lambda: stage.pods("candidate") == [])
    yield


MIRRORS: dict[str, Callable[[ModelStage, Release, NodeProvider], AbstractContextManager[None]]] = {
    "none": none,
    "good": good,
    "hanging": hanging,
    "stopped": stopped,
}
