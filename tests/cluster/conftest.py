"""The cluster of a test session: started when the first test asks for it, taken down at the end.

A cluster that was running before is used as it is and left running, so that a second run of
one test takes seconds. Without root or without the built parts the tests skip and say what to
do; with MIZZEN_CI_STRICT=1, as in CI, that is a failure.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from testnode import node, places, providers
from testnode.base_image import BASE
from testnode.errors import ClusterError
from testnode.figures import timed
from testnode.kubectl import Kubectl
from testnode.providers import Provider
from testnode.spec import NodeSpec
from testnode.workloads import named

OWN_SLOT = 9  # far from the slots that people choose


@pytest.fixture(scope="session")
def cluster() -> Iterator[Provider]:
    provider = providers.choose()
    skip_unless(provider.require)
    found_running = provider.running()
    provider.up()
    try:
        provider.load_image(BASE)
        yield provider
    finally:
        provider.keep_logs(places.REPORT / "logs")
        if not found_running:
            provider.down()


@pytest.fixture(scope="session")
def kubectl(cluster: Provider) -> Kubectl:
    return cluster.kubectl()


@pytest.fixture(scope="session")
def with_addon(cluster: Provider) -> Callable[[str], None]:
    """Install an add-on by its name, the first time that a test asks for it."""

    @cache
    def install(name: str) -> None:
        with timed(f"add-on {name}: images loaded and installed"):
            providers.add(cluster, name)

    return install


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of the test's own, deleted with all that is in it."""
    name = f"test-{secrets.token_hex(4)}"
    kubectl.apply([named("v1", "Namespace", name)])
    # no pod is admitted before a controller has made it
    kubectl.wait("create", "serviceaccount/default", "--namespace", name)
    yield name
    kubectl.run("delete", "namespace", name, "--wait=false")


@pytest.fixture
def own_node() -> Iterator[NodeSpec]:
    """Names for a second node, for tests that start, kill and stop one themselves."""
    skip_unless(node.require_buildable)
    spec = NodeSpec(OWN_SLOT)
    node.down(spec)
    yield spec
    node.down(spec)


def skip_unless(require: Callable[[], None]) -> None:
    try:
        require()
    except ClusterError as error:
        if os.environ.get("MIZZEN_CI_STRICT") == "1":
            pytest.fail(f"no cluster, and MIZZEN_CI_STRICT=1\n{error}", pytrace=False)
        pytest.skip(str(error))
