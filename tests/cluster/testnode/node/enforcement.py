"""NetworkPolicies in force on a node while a test wants them to be.

Only for CLUSTER=node, where one network namespace sees every packet. A pod is free for the
fraction of a second until its address is known; whoever waits for it to be let in asks again, as
what is not allowed is dropped and not refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from testnode.commands import run
from testnode.errors import ClusterError
from testnode.eventually import eventually
from testnode.node.api import get
from testnode.node.netns import inside
from testnode.node.policies import TABLE, World, ruleset
from testnode.spec import NodeSpec
from testnode.workloads import Manifest

PAUSE_S = 0.2
PATIENCE_S = 30.0  # with an API server that is busy
LISTS = ("/api/v1/pods", "/apis/networking.k8s.io/v1/networkpolicies", "/api/v1/namespaces")


@contextmanager
def enforced(spec: NodeSpec) -> Iterator[None]:
    """All policies of the cluster hold until the block ends.

    Raises:
        ClusterError: one of them could not be put in force.
    """
    stop, faults = threading.Event(), list[Exception]()
    _apply(spec, before := _rules(spec))

    def follow(known: str) -> None:
        try:
            while not stop.wait(PAUSE_S):
                rules = eventually(lambda: _rules(spec), within_s=PATIENCE_S)
                if rules != known:
                    _apply(spec, rules)
                    known = rules
        except Exception as error:  # noqa: BLE001 (told by the thread that waits)
            faults.append(error)

    following = threading.Thread(target=follow, args=(before,))
    following.start()
    try:
        yield
    finally:
        stop.set()
        following.join()
        run(inside(spec, ["nft", "delete", "table", "ip", TABLE]))
    if faults:
        raise ClusterError(f"policies ceased to be enforced: {faults[0]}") from faults[0]


def _rules(spec: NodeSpec) -> str:
    return ruleset(World(*(_listed(spec, path) for path in LISTS)))


def _listed(spec: NodeSpec, path: str) -> list[Manifest]:
    body = get(spec, path)
    if body is None:
        raise ClusterError(f"the API server does not list {path}")
    found: list[Manifest] = json.loads(body)["items"]
    return found


def _apply(spec: NodeSpec, rules: str) -> None:
    run(inside(spec, ["nft", "-f", "-"]), stdin=rules)
