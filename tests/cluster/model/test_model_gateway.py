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
