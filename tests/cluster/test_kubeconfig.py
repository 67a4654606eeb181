"""Who installs with a kubeconfig that leads nowhere, is not known any more, or may do nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scenario.release import CHARTS, Release
from testnode.errors import ClusterError
from testnode.kubectl import Kubectl
from testnode.workloads import named

VALUES = {"model": {"version": 1}}


def test_without_a_kubeconfig_the_file_is_named(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    nobody = Kubectl(kubectl.program, tmp_path / "missing")
    with pytest.raises(ClusterError, match="cluster unreachable"):
        release(nobody, namespace).install(VALUES)


def test_a_token_that_is_over_is_told(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    gone = with_token(kubectl, "over", tmp_path)
    with pytest.raises(ClusterError, match=r"logged in to the server|Unauthorized|credentials"):
        release(gone, namespace).install(VALUES)


def test_without_rights_the_missing_one_is_named_and_nothing_is_made(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    kubectl.apply([named("v1", "ServiceAccount", "visitor", namespace)])
    token = kubectl.run("create", "token", "visitor", "--namespace", namespace).strip()
    visitor = with_token(kubectl, token, tmp_path)
    with pytest.raises(ClusterError, match=r"cannot \w+ resource"):
        release(visitor, namespace).install(VALUES)
    made = kubectl.get("deployments,services,httproutes", "--namespace", namespace)
    assert made["items"] == []


def release(kubectl: Kubectl, namespace: str) -> Release:
    return Release(CHARTS / "mizzen-model", "flights", namespace, kubectl)


def with_token(kubectl: Kubectl, token: str, folder: Path) -> Kubectl:
    """The same cluster, asked by another."""
    shown = kubectl.run("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
    config: dict[str, Any] = json.loads(shown)
    config["users"][0]["user"] = {"token": token}
    file = folder / "kubeconfig"
    file.write_text(json.dumps(config))
    return Kubectl(kubectl.program, file)
