"""S3 and PostgreSQL, which run beside the kubelet, from pods and with the usual libraries."""

from __future__ import annotations

import pytest
from testnode.building.build import CLIENTS
from testnode.kubectl import Kubectl
from testnode.providers.choice import Provider
from testnode.workloads import app_container, pod

NAMESPACE = "mizzen-test"  # where the Secrets with their addresses and passwords are


@pytest.fixture(autouse=True, scope="module")
def _clients(cluster: Provider) -> None:
    if cluster.name != "node":
        pytest.skip(f"CLUSTER={cluster.name} has neither; they are processes of CLUSTER=node")
    cluster.load_image(CLIENTS)


def test_an_object_is_put_and_got_through_s3(kubectl: Kubectl) -> None:
    assert said_by_pod(kubectl, "s3") == "the same bytes"


def test_postgresql_keeps_a_row(kubectl: Kubectl) -> None:
    assert said_by_pod(kubectl, "postgres") == "('a row', 1)"


def said_by_pod(kubectl: Kubectl, app: str) -> str:
    """Run apps/<app>.py with the Secret of the same name as its environment."""
    where = ("--namespace", NAMESPACE)
    secret = [{"secretRef": {"name": app}}]
    container = app_container(app, image=CLIENTS, envFrom=secret)
    kubectl.apply([pod(f"try-{app}", NAMESPACE, container, restartPolicy="Never")])
    try:
        kubectl.wait("jsonpath={.status.phase}=Succeeded", f"pod/try-{app}", *where)
        return kubectl.run("logs", f"try-{app}", *where).strip()
    finally:
        kubectl.run("delete", f"pod/try-{app}", *where, "--wait=false")
