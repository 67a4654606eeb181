"""A model on two workers, one emptied or lost: what those who ask for predictions feel."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from scenario.load import load
from scenario.modelstage import MODEL, ModelStage, set_model_stage
from testnode.eventually import eventually
from testnode.figures import record
from testnode.images.mizzen import build_mizzen_images
from testnode.kubectl import Kubectl
from testnode.node.outage import cut_off
from testnode.providers import choice
from testnode.providers.node import NodeProvider

pytestmark = pytest.mark.full

NAMESPACE = "model-pair"


@pytest.fixture(scope="module")
def stage(pair: NodeProvider, tmp_path_factory: pytest.TempPathFactory) -> ModelStage:
    """As the one of a single worker; gateway and registry are on the first."""
    for image in build_mizzen_images(["serving", "control"], print):
        pair.load_image(image)
    kubectl, second = pair.kubectl(), pair.spec.workers[1].name
    kubectl.run("cordon", second)
    choice.add(pair, "envoy-gateway")
    made = set_model_stage(kubectl, NAMESPACE, tmp_path_factory.mktemp("train"))
    kubectl.run("uncordon", second)
    return made


@pytest.fixture
def spread(stage: ModelStage, pair: NodeProvider) -> Iterator[ModelStage]:
    """Two pods of one version, one on each worker."""
    release = stage.release()
    release.install(stage.values())
    eventually(lambda: stage.request().once())
    assert set(workers_of(stage)) == {worker.name for worker in pair.spec.workers}
    yield stage
    release.uninstall()


def test_a_worker_is_emptied_and_no_request_fails(pair: NodeProvider, spread: ModelStage) -> None:
    staying, leaving = (worker.name for worker in pair.spec.workers)
    kubectl = spread.kubectl
    with load(spread.request(), connections=2) as answers:
        only = f"--pod-selector=mizzen.dev/model={MODEL}"
        kubectl.run("drain", leaving, only, "--delete-emptydir-data", "--timeout=120s")
        rolled_out(kubectl)
        assert set(workers_of(spread)) == {staying}
        kubectl.run("uncordon", leaving)
    record("worker emptied: requests", answers.counted.total(), "requests")
    assert answers.failed == []


def test_a_worker_is_lost_and_no_request_fails(pair: NodeProvider, spread: ModelStage) -> None:
    lost = pair.spec.workers[1]
    with load(spread.request(), connections=4, pause_s=0.01) as answers:
        time.sleep(2)
        with cut_off(pair.spec, lost):
            spread.kubectl.wait("condition=Ready=Unknown", f"node/{lost.name}", within_s=120)
            time.sleep(5)
        spread.kubectl.wait("condition=Ready", f"node/{lost.name}")
    record("worker lost: requests", answers.counted.total(), "requests")
    record("worker lost: requests failed", len(answers.failed), "requests")
    record("worker lost: p99", answers.percentile(99), "ms")
    record("worker lost: slowest", answers.percentile(100), "ms")
    assert answers.failed == []


def workers_of(stage: ModelStage) -> list[str]:
    """Where the pods of the stable version run."""
    where = ("--namespace", stage.namespace)
    found = [stage.kubectl.get("pod", name, *where) for name in stage.pods("stable")]
    return [str(pod["spec"]["nodeName"]) for pod in found]


def rolled_out(kubectl: Kubectl) -> None:
    kubectl.rolled_out(f"deployment/{MODEL}-stable", "--namespace", NAMESPACE)
