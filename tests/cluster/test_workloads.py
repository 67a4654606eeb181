"""What every chart takes for granted: a Ready node, pods, and updates nobody notices."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from scenario.addresses import service_address
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
    address, port = service_address(kubectl, "web", namespace)
    eventually(lambda: ask_once(address, port))
    with load_on(address, port) as answers, timed("rolling update of 3 pods under load"):
        kubectl.apply([deployment("web", namespace, web_container("new"), replicas=3)])
        kubectl.rolled_out("deployment/web", "--namespace", namespace)
        time.sleep(4)  # the last old pod goes on answering through its preStop
    record("rolling update: requests", answers.total(), "requests")
    assert set(answers) == {"old", "new"}


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


@contextmanager
def load_on(address: str, port: int) -> Iterator[Counter[str]]:
    """Ask without pause from two threads, each request on a connection of its own."""
    answers: Counter[str] = Counter()
    stop = threading.Event()
    askers = [threading.Thread(target=_ask, args=(address, port, answers, stop)) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        yield answers
    finally:
        stop.set()
        for asker in askers:
            asker.join()


def _ask(address: str, port: int, answers: Counter[str], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            answers[ask_once(address, port)] += 1
        except (OSError, http.client.HTTPException) as error:
            answers[f"failed: {error!r}"] += 1


def ask_once(address: str, port: int) -> str:
    with closing(http.client.HTTPConnection(address, port, timeout=5)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
