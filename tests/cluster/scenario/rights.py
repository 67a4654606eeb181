"""What our own roles granted and what was asked with them, out of the API server's audit log. Pure.

Roles of ours carry the label app.kubernetes.io/part-of: mizzen. The log holds how each was made
and bound, so nothing else has to be remembered, and roles that are gone by now count too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GROUP = "rbac.authorization.k8s.io"
OURS = ("app.kubernetes.io/part-of", "mizzen")
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one kind of object; `scope` is empty where it holds for all namespaces."""

    verb: str
    group: str
    resource: str
    scope: str = ""

    def anywhere(self) -> Right:
        """The same without its namespace: two releases of one chart grant the same."""
        return Right(self.verb, self.group, self.resource, "*" if self.scope else "")


def granted(entries: Iterable[Entry]) -> dict[Right, set[str]]:
    """Right -> the accounts that have it, by our roles."""
    entries = list(entries)
    roles = {_key(e): e["requestObject"].get("rules", ()) for e in _made(entries, "roles")}
    found: dict[Right, set[str]] = {}
    for binding in _made(entries, "rolebindings"):
        namespace = binding["objectRef"].get("namespace", "")
        role = (namespace, binding["requestObject"]["roleRef"]["name"])
        for right in _rights(roles.get(role, ()), namespace):
            found.setdefault(right, set()).update(_accounts(binding["requestObject"]))
    return found


def used(entries: Iterable[Entry]) -> dict[Right, set[str]]:
    """Right -> the accounts that asked for it and were let."""
    found: dict[Right, set[str]] = {}
    for entry in entries:
        user, on = entry["user"]["username"], entry.get("objectRef")
        if on and user.startswith("system:serviceaccount:") and _allowed(entry):
            resource = "/".join(p for p in (on["resource"], on.get("subresource")) if p)
            right = Right(entry["verb"], on.get("apiGroup", ""), resource, on.get("namespace", ""))
            found.setdefault(right, set()).add(user)
    return found


def unused(entries: Iterable[Entry]) -> set[Right]:
    """Granted minus used, over all namespaces: empty when no role of ours grants too much."""
    entries = list(entries)
    asked = used(entries)
    exercised = {
        right.anywhere()
        for right, accounts in granted(entries).items()
        if accounts & asked.get(right, set())
    }
    return {right.anywhere() for right in granted(entries)} - exercised


def cluster_wide(entries: Iterable[Entry]) -> list[str]:
    """Roles of ours that hold for all namespaces."""
    kinds = ("clusterroles", "clusterrolebindings")
    return [_key(e)[1] for kind in kinds for e in _made(list(entries), kind)]


def _made(entries: list[Entry], resource: str) -> Iterator[Entry]:
    """Creations and changes of our own objects of that kind."""
    for entry in entries:
        on, made = entry.get("objectRef", {}), entry.get("requestObject") or {}
        if (on.get("apiGroup"), on.get("resource")) == (GROUP, resource) and _allowed(entry):
            label, value = OURS
            if made.get("metadata", {}).get("labels", {}).get(label) == value:
                yield entry


def _key(entry: Entry) -> tuple[str, str]:
    name = entry["requestObject"]["metadata"]["name"]
    return entry["objectRef"].get("namespace", ""), name


def _rights(rules: Iterable[Mapping[str, Any]], namespace: str) -> Iterator[Right]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Right(verb, group, resource, namespace)


def _accounts(binding: Mapping[str, Any]) -> Iterator[str]:
    for subject in binding.get("subjects", ()):
        if subject["kind"] == "ServiceAccount":
            yield f"system:serviceaccount:{subject['namespace']}:{subject['name']}"


def _allowed(entry: Entry) -> bool:
    return int(entry.get("responseStatus", {}).get("code", 500)) < 400
