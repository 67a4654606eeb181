"""A gateway that several namespaces share, as platform teams run one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from scenario.addresses import gateway_address
from scenario.modelstage import ModelStage
from scenario.release import Release
from testnode.eventually import eventually
from testnode.workloads import named

API = "gateway.networking.k8s.io/v1"
REQUESTS = 50


@pytest.fixture
def shared(stage: ModelStage) -> Iterator[str]:
    """The namespace of a Gateway `shared`, which takes routes from everywhere."""
    name = f"gateways-{secrets.token_hex(3)}"
    everywhere = {"namespaces": {"from": "All"}}
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": everywhere}
    spec = {"gatewayClassName": "envoy", "listeners": [listener]}
    stage.kubectl.apply([named("v1", "Namespace", name)])
    stage.kubectl.apply([named(API, "Gateway", "shared", name, spec=spec)])
    stage.kubectl.wait(
        "condition=Programmed", "gateway/shared", f"--namespace={name}", within_s=300
    )
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
    with pytest.raises(OSError, match="404"):
        stage.request().once()
