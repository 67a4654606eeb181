"""What every chart takes for granted: a Ready node, pods, and updates nobody notices."""

from __future__ import annotations

import time
from functools import partial

from scenario.addresses import service_address
from scenario.load import Request, load
from testnode.eventually import eventually
from testnode.figures import record, timed
from testnode.kubectl import Kubectl
from testnode.workloads import app_container, deployment, pod, service, web_container


def test_the_node_is_ready(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Ready", "node", "--all")


def test_a_pod_becomes_ready_and_resolves_names(kubectl: Kubectl, namespace: str) -> None:
    with timed("pod: applied to Ready"):
        kubectl.apply([pod("web", namespace, web_container("here"))])
        kubectl.wait("condition=Ready", "pod/web", "--namespace", namespace)
    lookup = "import socket; print(socket.gethostbyname('kubernetes.default'))"
    said = kubectl.run("exec", "web", "--namespace", namespace, "--", "python3", "-c", lookup)
    assert said.strip() == "10.96.0.1"


def test_a_pod_reaches_itself_and_its_neighbours_through_a_service(
    kubectl: Kubectl, namespace: str
) -> None:
    """The way back of such a packet is where home-made pod networks fail."""
    kubectl.apply(
        [
            deployment("web", namespace, web_container("both"), replicas=2),
            service("web", namespace),
        ]
    )
    kubectl.rolled_out("deployment/web", "--namespace", namespace)
    ask = f"urllib.request.urlopen('http://web.{namespace}', timeout=5).status"
    where = ("deployment/web", "--namespace", namespace)
    in_a_pod = partial(kubectl.run, "exec", *where, "--", "python3", "-c")
    eventually(lambda: in_a_pod(f"import urllib.request; print({ask})"))
    many = f"import urllib.request; print(*[{ask} for _ in range(20)])"
    assert in_a_pod(many).split() == ["200"] * 20


def test_a_rolling_update_under_load_fails_no_request(kubectl: Kubectl, namespace: str) -> None:
    exposed = service("web", namespace, type="NodePort")
    kubectl.apply([deployment("web", namespace, web_container("old"), replicas=3), exposed])
    kubectl.rolled_out("deployment/web", "--namespace", namespace)
    web = Request(service_address(kubectl, "web", namespace), "/", bytes.decode)
    eventually(web.once)
    updating = timed("rolling update of 3 pods under load")
    with load(web, connections=2, keep=False) as answers, updating:
        kubectl.apply([deployment("web", namespace, web_container("new"), replicas=3)])
        kubectl.rolled_out("deployment/web", "--namespace", namespace)
        time.sleep(4)  # the last old pod goes on answering through its preStop
    record("rolling update: requests", answers.counted.total(), "requests")
    assert answers.failed == []
    assert set(answers.counted) == {"old", "new"}


def test_a_job_that_fails_is_told_apart(kubectl: Kubectl, namespace: str) -> None:
    fails = {"command": ["python3", "-c", "raise SystemExit(3)"]}
    container = {**app_container("web", "never"), **fails}
    kubectl.apply([pod("fails", namespace, container, restartPolicy="Never")])
    kubectl.wait("jsonpath={.status.phase}=Failed", "pod/fails", "--namespace", namespace)
    status = kubectl.get("pod/fails", "--namespace", namespace)["status"]
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def test_more_memory_than_the_limit_ends_the_container(kubectl: Kubectl, namespace: str) -> None:
    greedy = {
        **app_container("web", "never"),
        "command": ["python3", "-c", "x = bytearray(400 << 20)"],
        "resources": {"limits": {"memory": "100Mi"}},
    }
    kubectl.apply([pod("greedy", namespace, greedy, restartPolicy="Never")])
    kubectl.wait("jsonpath={.status.phase}=Failed", "pod/greedy", "--namespace", namespace)
    status = kubectl.get("pod/greedy", "--namespace", namespace)["status"]
    assert status["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"
