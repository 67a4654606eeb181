"""NOTES of charts/mizzen: where it answers, and what is unsafe in these values."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from scenario.modelstage import merged

from ..rendering import CHARTS, Helm

# values -> words of the warning that they earn
WARNED: list[tuple[dict[str, Any], str]] = [
    ({}, "no TLS"),
    ({"gateway": {"tlsSecret": "tls"}}, "plain HTTP beside TLS"),
    ({"gateway": {"mlflow": {"enabled": True}}}, "MLflow is open"),
    ({"mlflow": {"allowedHosts": ["*"]}}, "MLflow answers to every name"),
    ({"postgres": {"enabled": True}}, "without a backup"),
    ({}, "may be unencrypted"),
    ({"s3": {"endpoint": "http://s3.example.com"}}, "S3 is asked without TLS"),
    ({}, "one pod of the control API"),
    ({"api": {"replicas": 2}}, "all pods of the control API may be taken at once"),
    ({"network": {"enabled": False}}, "no NetworkPolicies"),
    ({}, "every address at the database's port"),
    ({}, "no ResourceQuota"),
    ({"projects": [{"name": "flights"}], "mlflow": {"enabled": False}}, "one of them is off"),
]


@pytest.mark.parametrize(("values", "words"), WARNED, ids=[words for _, words in WARNED])
def test_what_is_unsafe_is_told(platform: Helm, values: dict[str, Any], words: str) -> None:
    assert words in platform.notes(values)


def test_production_has_nothing_to_warn_about(platform: Helm) -> None:
    said = platform.notes(profile("prod"))
    assert "Warnings" not in said
    assert "https://mizzen.example.com" in said


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_a_profile_renders_as_it_is_and_with_every_part(
    platform: Helm, all_on: dict[str, Any], name: str
) -> None:
    assert platform.render(profile(name))
    assert platform.render(merged(profile(name), all_on))


def profile(name: str) -> dict[str, Any]:
    text = (CHARTS / "mizzen" / "profiles" / f"{name}.yaml").read_text()
    return dict(yaml.safe_load(text))
