"""What no values may change: pods are confined, hold no token, and credentials are references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..rendering import CHARTS, Helm, Object, Objects

PROFILES = sorted((CHARTS / "mizzen" / "profiles").glob("*.yaml"))
SECRET_WORDS = ("PASSWORD", "SECRET", "TOKEN", "ACCESS_KEY")


@pytest.fixture
def objects(platform: Helm, all_on: dict[str, Any]) -> Objects:
    return platform.render(all_on)


def test_no_credential_is_rendered(objects: Objects) -> None:
    assert objects.of("Secret") == {}
    for container in containers(objects):
        for variable in container.get("env", []):
            if any(word in variable["name"] for word in SECRET_WORDS):
                assert set(variable) == {"name", "valueFrom"}, variable["name"]
                assert "secretKeyRef" in variable["valueFrom"]


def test_no_command_line_carries_a_credential(objects: Objects) -> None:
    """An address of PostgreSQL holds neither user nor host: libpq's variables do."""
    for container in containers(objects):
        for word in (*container.get("args", []), *container.get("command", [])):
            assert "@" not in word or "://" not in word.split("@")[0], word


def test_every_pod_is_confined(objects: Objects) -> None:
    for pod in pods(objects):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(objects):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_no_pod_gets_a_token_of_the_api_server(objects: Objects) -> None:
    assert [pod["automountServiceAccountToken"] for pod in pods(objects)] == [False] * len(
        list(pods(objects))
    )
    account = objects.one("ServiceAccount", "mizzen")
    assert account["automountServiceAccountToken"] is False


def test_nothing_is_granted_beyond_the_namespace_and_no_secret_is_read(objects: Objects) -> None:
    assert objects.of("ClusterRole") == {}
    assert objects.of("ClusterRoleBinding") == {}
    rules = [rule for role in objects.of("Role").values() for rule in role["rules"]]
    assert rules == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]


def test_no_image_is_latest(objects: Objects) -> None:
    for container in containers(objects):
        name, _, tag = container["image"].rpartition(":")
        assert name, container["image"]
        assert tag not in ("", "latest")


def test_a_digest_wins_over_the_tag(platform: Helm) -> None:
    digest = f"sha256:{'a' * 64}"
    image = {"registry": "registry.example.com", "tag": "1", "digest": digest}
    api = platform.render({"api": {"image": image}}).one("Deployment", "mizzen-api")
    shown = api["spec"]["template"]["spec"]["containers"][0]["image"]
    assert shown == f"registry.example.com/mizzen/control@{digest}"


def pods(objects: Objects) -> Iterator[Object]:
    for found in objects:
        spec = found.get("spec", {})
        if found["kind"] == "Pod":
            yield spec
        elif found["kind"] == "CronJob":
            yield spec["jobTemplate"]["spec"]["template"]["spec"]
        elif "template" in spec:
            yield spec["template"]["spec"]


def containers(objects: Objects) -> Iterator[Object]:
    for pod in pods(objects):
        yield from pod["containers"]
        yield from pod.get("initContainers", [])
