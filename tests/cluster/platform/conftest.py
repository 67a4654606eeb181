"""charts/mizzen on the node: namespaces that are ready for it, and the images it takes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from testnode.errors import ClusterError
from testnode.figures import timed
from testnode.kubectl import Kubectl
from testnode.mizzen_images import build_mizzen_images, image_name
from testnode.providers import Provider
from testnode.stage import Stage, set_stage, strike_stage

HERE = Path(__file__).parent
LAST = "test_platform_rights"  # it looks back at what the others did


@pytest.fixture(scope="session")
def with_image(cluster: Provider) -> Callable[[str], str]:
    """Build an image of Mizzen from the tree as it is, and load it; by the name of its set."""

    @cache
    def load(name: str) -> str:
        if cluster.name != "node":
            pytest.skip(f"CLUSTER={cluster.name}: the platform is tried on CLUSTER=node")
        with timed(f"image {name}: built and loaded"):
            build_mizzen_images([name], print)  # nothing to do when nothing changed
            cluster.load_image(image_name(name))
        return image_name(name)

    return load


@pytest.fixture(scope="session")
def skip_without() -> Callable[[Callable[[], None]], None]:
    """Skip, or fail where MIZZEN_CI_STRICT=1, when what is given raises ClusterError."""

    def require(required: Callable[[], None]) -> None:
        try:
            required()
        except ClusterError as error:
            if os.environ.get("MIZZEN_CI_STRICT") == "1":
                pytest.fail(str(error), pytrace=False)
            pytest.skip(str(error))

    return require


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
