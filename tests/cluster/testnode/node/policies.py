"""NetworkPolicies as rules of the kernel's packet filter. Pure; `enforcement` keeps them in force.

The node's network plugin has no engine for them. All packets of pods pass the node's network
namespace, where their addresses are those of pods even when a Service was asked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testnode.errors import ClusterError
from testnode.workloads import Manifest

TABLE = "mizzen-policies"
ANSWERS = "ct state established,related accept"
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Direction:
    """One of a policy's two halves, in Kubernetes' words and in those of the packet filter."""

    kind: str
    rules: str  # its field of a policy
    peers: str  # its field of a rule
    own: str  # where a packet has the address of the pod that the policy is about
    other: str


INGRESS = Direction("Ingress", "ingress", "from", own="daddr", other="saddr")
EGRESS = Direction("Egress", "egress", "to", own="saddr", other="daddr")


@dataclass(frozen=True, slots=True)
class World:
    """What policies speak of: objects as the API server lists them."""

    pods: Sequence[Manifest]
    policies: Sequence[Manifest]
    namespaces: Sequence[Manifest]

    def addresses(self, peer: Mapping[str, Any], home: str) -> list[str]:
        """Of the pods that a peer of a policy in the namespace `home` selects."""
        chosen = {home}
        if "namespaceSelector" in peer:
            selector = peer["namespaceSelector"]
            chosen = {_name(n) for n in self.namespaces if _matches(selector, _labels(n))}
        selector = peer.get("podSelector", {})
        return sorted(
            pod["status"]["podIP"]
            for pod in self.networked()
            if _namespace(pod) in chosen and _matches(selector, _labels(pod))
        )

    def networked(self) -> list[Manifest]:
        """Pods with an address of their own."""
        return [
            pod
            for pod in self.pods
            if pod["status"].get("podIP")
            and not pod["spec"].get("hostNetwork")
            and pod["status"]["phase"] in ("Pending", "Running")
        ]


def ruleset(world: World) -> str:
    """What `nft -f` takes; it replaces what was in force before.

    Raises:
        ClusterError: a policy says something that is not translated here.
    """
    chains, jumps = [], []
    for pod in world.networked():
        address = pod["status"]["podIP"]
        for direction in (EGRESS, INGRESS):
            found = [p for p in world.policies if _about(p, pod, direction)]
            if found:
                chain = f"{direction.rules}-{address}"
                itself = f"ip {direction.other} {address} return"  # nothing keeps it from that
                allowed = _allowed(world, found, direction)
                chains.append(_chain(chain, [itself, *allowed, "counter drop"]))
                jumps.append(f"ip {direction.own} {address} jump {chain}")
    return _table([*chains, _chain("passing", [ANSWERS, *jumps]), *_hooks()])


def _hooks() -> list[str]:
    """Packets on their way to another pod, and to programs beside the pods."""
    return [
        _chain(hook, [f"type filter hook {hook} priority -10;", "jump passing"])
        for hook in ("forward", "input")
    ]


def _table(body: Sequence[str]) -> str:
    """Made if need be and emptied, so that the kernel replaces it whole in one step."""
    table = f"table ip {TABLE}"
    return "\n".join([f"{table} {{}}", f"delete {table}", f"{table} {{", *body, "}"])


def _chain(name: str, lines: Sequence[str]) -> str:
    return "\n".join([f"chain {name} {{", *lines, "}"])


def _about(policy: Manifest, pod: Manifest, direction: Direction) -> bool:
    spec = policy["spec"]
    kinds = spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
    return (
        _namespace(policy) == _namespace(pod)
        and direction.kind in kinds
        and _matches(spec.get("podSelector", {}), _labels(pod))
    )


def _allowed(world: World, policies: Sequence[Manifest], direction: Direction) -> Iterator[str]:
    for policy in policies:
        for rule in policy["spec"].get(direction.rules) or ():
            for peer in _peers(world, rule.get(direction.peers), _namespace(policy), direction):
                yield from (f"{peer} {port} counter return" for port in _ports(rule.get("ports")))


def _peers(
    world: World, peers: Sequence[Manifest] | None, home: str, direction: Direction
) -> Iterator[str]:
    if not peers:
        yield ""  # everybody
    for peer in peers or ():
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            yield f"ip {direction.other} {ipaddress.ip_network(block['cidr'])}" + "".join(
                f" ip {direction.other} != {ipaddress.ip_network(hole)}"
                for hole in block.get("except", ())
            )
        elif addresses := world.addresses(peer, home):
            yield f"ip {direction.other} {{ {', '.join(addresses)} }}"


def _ports(ports: Sequence[Manifest] | None) -> Iterator[str]:
    if not ports:
        yield ""  # every one
    for port in ports or ():
        protocol = port.get("protocol", "TCP").lower()
        number = port.get("port", "0")
        if isinstance(number, str) and number != "0":
            raise ClusterError(f"a policy names the port {number!r}", allowed="numbers of ports")
        last = port.get("endPort", number if "port" in port else 65535)
        yield f"{protocol} dport {number}-{last}"


def _matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    wanted: Labels = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", ())
    return {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[str(expression["operator"])]


def _labels(thing: Manifest) -> Labels:
    return thing["metadata"].get("labels") or {}


def _name(thing: Manifest) -> str:
    return str(thing["metadata"]["name"])


def _namespace(thing: Manifest) -> str:
    return str(thing["metadata"]["namespace"])
