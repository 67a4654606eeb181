"""Granted minus used, on entries as the API server writes them; no cluster is needed."""

from __future__ import annotations

from typing import Any

from scenario.rights import Right, cluster_wide, granted, unused, used

USER = "system:serviceaccount:watch:prometheus"
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
OURS = {"app.kubernetes.io/part-of": "mizzen"}


def test_what_was_granted_and_asked_for_is_not_unused() -> None:
    log = [*made([PODS]), asked("list"), asked("watch")]
    assert set(granted(log)) == {
        Right("list", "", "pods", "one"),
        Right("watch", "", "pods", "one"),
    }
    assert unused(log) == set()


def test_what_nobody_asked_for_is_unused() -> None:
    log = [*made([PODS]), asked("list")]
    assert unused(log) == {Right("watch", "", "pods", "*")}


def test_what_was_refused_or_asked_by_another_does_not_count_as_used() -> None:
    other = "system:serviceaccount:one:other"
    log = [*made([PODS]), asked("list", code=403), asked("watch", user=other)]
    assert len(unused(log)) == 2
    assert set(used(log)) == {Right("watch", "", "pods", "one")}


def test_a_right_used_in_one_namespace_is_used() -> None:
    log = [*made([PODS]), *made([PODS], "two"), asked("list"), asked("watch")]
    assert unused(log) == set()


def test_roles_of_others_are_left_alone() -> None:
    assert granted(made([PODS], labels={})) == {}


def test_a_role_for_all_namespaces_is_seen() -> None:
    assert cluster_wide([grant("clusterroles", "", {"rules": [PODS]}, OURS)]) == ["discovery"]


def made(
    rules: list[dict[str, Any]], namespace: str = "one", labels: dict[str, str] = OURS
) -> list[dict[str, Any]]:
    subject = {"kind": "ServiceAccount", "name": "prometheus", "namespace": "watch"}
    binding = {"roleRef": {"name": "discovery"}, "subjects": [subject]}
    return [
        grant("roles", namespace, {"rules": rules}, labels),
        grant("rolebindings", namespace, binding, labels),
    ]


def grant(
    resource: str, namespace: str, content: dict[str, Any], labels: dict[str, str]
) -> dict[str, Any]:
    on = {"resource": resource, "apiGroup": "rbac.authorization.k8s.io", "namespace": namespace}
    return {
        "verb": "create",
        "user": {"username": "admin"},
        "objectRef": on,
        "requestObject": {"metadata": {"name": "discovery", "labels": labels}, **content},
        "responseStatus": {"code": 201},
    }


def asked(verb: str, user: str = USER, code: int = 200) -> dict[str, Any]:
    return {
        "verb": verb,
        "user": {"username": user},
        "objectRef": {"resource": "pods", "namespace": "one", "apiVersion": "v1"},
        "responseStatus": {"code": code},
    }
