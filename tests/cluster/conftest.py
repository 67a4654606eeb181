"""The cluster of a test session: started when the first test asks for it, taken down at the end.

A cluster that was running before is used as it is and left running, so that a second run of
one test takes seconds. Else each session has a node of its own, in an instance that no other holds.
Without root or without the built parts the tests skip and say what to do; with
MIZZEN_CI_STRICT=1, as in CI, that is a failure.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import pytest
from scenario.s3 import S3Server, require_server
from testnode import figures, places
from testnode.errors import ClusterError
from testnode.figures import timed
from testnode.images.base import BASE
from testnode.images.mizzen import build_mizzen_images, image_name
from testnode.instances import free_instance
from testnode.kubectl import Kubectl
from testnode.node import lifecycle
from testnode.node.enforcement import enforced
from testnode.providers import choice
from testnode.providers.choice import Provider
from testnode.providers.node import NodeProvider
from testnode.spec import NodeSpec
from testnode.workloads import named

Made = TypeVar("Made", bound=Provider)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Provider]:
    chosen = choice.choose()
    skip_unless(chosen.require)
    if chosen.running():
        chosen.load_image(BASE)
        yield chosen
    elif chosen.name == "node":
        with free_instance() as spec:
            yield from of_this_run(NodeProvider(spec), "logs")
    else:
        yield from of_this_run(chosen, "logs")


def of_this_run(provider: Made, logs: str) -> Iterator[Made]:
    try:
        provider.up()
        provider.load_image(BASE)
        yield provider
    finally:
        provider.keep_logs(places.REPORT / logs)
        provider.down()


@pytest.fixture(scope="session")
def kubectl(cluster: Provider) -> Kubectl:
    return cluster.kubectl()


@pytest.fixture(scope="session")
def with_addon(cluster: Provider) -> Callable[[str], None]:
    """Install an add-on by its name, the first time that a test asks for it."""

    @cache
    def install(name: str) -> None:
        skip_unless(partial(choice.require_addon, name))
        with timed(f"add-on {name}: images loaded and installed"):
            choice.add(cluster, name)

    return install


@pytest.fixture(scope="session")
def with_image(cluster: Provider) -> Callable[[str], str]:
    """Build an image of Mizzen from the tree as it is, and load it; by the name of its set."""

    @cache
    def load(name: str) -> str:
        if cluster.name != "node":
            pytest.skip(f"CLUSTER={cluster.name}: Mizzen is installed on CLUSTER=node only")
        with timed(f"images: {name} built and loaded"):
            build_mizzen_images([name], print)  # nothing to do when nothing changed
            cluster.load_image(image_name(name))
        return image_name(name)

    return load


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
    skip_unless(lifecycle.require_buildable)
    with free_instance() as spec:
        lifecycle.down(spec)
        yield spec
        lifecycle.down(spec)


@pytest.fixture
def policies(cluster: Provider) -> Iterator[None]:
    """All NetworkPolicies are in force during the test."""
    if not isinstance(cluster, NodeProvider):
        pytest.skip(f"CLUSTER={cluster.name} enforces policies, or not, by itself")
    with enforced(cluster.spec):
        yield


@pytest.fixture(scope="module")
def pair() -> Iterator[NodeProvider]:
    """A cluster of two workers, of one module only."""
    skip_unless(lifecycle.require_buildable)
    with free_instance() as spec:
        yield from of_this_run(NodeProvider(replace(spec, count=2)), "logs-pair")


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    """An S3 server of the test's own, which it may stop; no cluster is needed for it."""
    skip_unless(require_server)
    folder = tmp_path / "s3"
    folder.mkdir()
    server = S3Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever drives a cluster is slow, so that `-m "not slow"` needs neither root nor parts."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if item.path.parent == places.HERE and {"cluster", "own_node", "pair"} & set(names):
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("figures of the cluster")
    for line in figures.lines():
        terminalreporter.line(line)


def skip_unless(require: Callable[[], None]) -> None:
    try:
        require()
    except ClusterError as error:
        if os.environ.get("MIZZEN_CI_STRICT") == "1":
            pytest.fail(f"no cluster, and MIZZEN_CI_STRICT=1\n{error}", pytrace=False)
        pytest.skip(str(error))
