"""charts/mizzen-model on the node: one namespace with two versions of a model, for all tests."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scenario.modelstage import ModelStage, set_model_stage
from scenario.release import Release
from testnode.figures import timed
from testnode.kubectl import Kubectl

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def stage(
    kubectl: Kubectl,
    with_addon: Callable[[str], None],
    with_image: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ModelStage]:
    """Ready for a release of `diabetes`, of which versions 1 and 2 are registered."""
    for name in ("serving", "control"):
        with_image(name)
    with_addon("envoy-gateway")
    name = f"model-{secrets.token_hex(3)}"
    try:
        with timed("model: registry started, two versions trained"):
            made = set_model_stage(kubectl, name, tmp_path_factory.mktemp("train"))
        yield made
    finally:
        kubectl.run("delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.fixture
def release(stage: ModelStage) -> Iterator[Release]:
    """The model's release; the test installs it."""
    made = stage.release()
    yield made
    made.uninstall()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.slow)
