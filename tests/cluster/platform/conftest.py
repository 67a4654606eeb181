"""charts/mizzen on the node: namespaces that are ready for it, and the images it takes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scenario.stage import Stage, set_stage, strike_stage
from testnode.kubectl import Kubectl

HERE = Path(__file__).parent
LAST = "test_platform_rights"  # it looks back at what the others did


@pytest.fixture(scope="session")
def ready_cluster(
    kubectl: Kubectl,
    with_image: Callable[[str], str],
    with_addon: Callable[[str], None],
) -> Kubectl:
    """The node with the control image and all that the platform may ask of a cluster."""
    with_image("control")
    for name in (
        "envoy-gateway",
        "local-path-provisioner",
        "metrics-server",
        "prometheus-operator",
    ):
        with_addon(name)
    return kubectl


@pytest.fixture
def stage(ready_cluster: Kubectl) -> Iterator[Stage]:
    """A namespace of the test's own, without a release."""
    with _stage(ready_cluster) as made:
        yield made


@pytest.fixture(scope="module")
def shared_stage(ready_cluster: Kubectl) -> Iterator[Stage]:
    """One for all tests of a file."""
    with _stage(ready_cluster) as made:
        yield made


@contextmanager
def _stage(kubectl: Kubectl) -> Iterator[Stage]:
    made = set_stage(kubectl, f"platform-{secrets.token_hex(3)}")
    try:
        yield made
    finally:
        strike_stage(made)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.stem == LAST)  # stable: all others stay where they are
