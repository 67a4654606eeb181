"""A gateway that several namespaces share, as platform teams run one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from scenario.addresses import gateway_address
from scenario.gateway import http_gateway, programmed
from scenario.modelstage import ModelStage
from scenario.release import Release
from testnode.eventually import eventually
from testnode.workloads import named

REQUESTS = 50
LIMIT = 5


@pytest.fixture
def shared(stage: ModelStage) -> Iterator[str]:
    """The namespace of a Gateway `shared`, which takes routes from everywhere."""
    name = f"gateways-{secrets.token_hex(3)}"
    everywhere = {"namespaces": {"from": "All"}}
    stage.kubectl.apply([named("v1", "Namespace", name)])
    stage.kubectl.apply([http_gateway("shared", name, allowedRoutes=everywhere)])
    programmed(stage.kubectl, "shared", name)
    yield name
    stage.kubectl.run("delete", "namespace", name, "--wait=false")


def test_a_model_is_reached_through_a_gateway_of_another_namespace_and_no_other(
    stage: ModelStage, release: Release, shared: str
) -> None:
    where = {"name": "shared", "namespace": shared}
    release.install(stage.values(route={"gateway": where}, replicas=1))
    asked = replace(stage.request(), address=gateway_address(stage.kubectl, shared))
    eventually(asked.once)
    assert asked.times(REQUESTS) == {"1": REQUESTS}
    with pytest.raises(OSError, match=r"^404: "):
        stage.request().once()


def test_more_requests_than_a_proxy_lets_through_are_refused_until_the_limit_is_taken_away(
    stage: ModelStage, release: Release
) -> None:
    """An hour, so that no new count begins while the test runs."""
    limit = {"requests": LIMIT, "unit": "Hour"}
    release.install(stage.values(route={"envoy": {"rateLimit": limit}}, replicas=1))
    eventually(stage.request().once)
    with pytest.raises(OSError, match=r"^429: "):
        stage.request().times(REQUESTS)
    with pytest.raises(OSError, match=r"^429: "):  # and on another connection
        stage.request().once()
    release.upgrade(stage.values(replicas=1))
    eventually(stage.request().once)
    assert stage.request().times(REQUESTS) == {"1": REQUESTS}
