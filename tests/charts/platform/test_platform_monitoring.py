"""The chart carries the alerts and dashboards of monitoring/, as they are there."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ..rendering import CHARTS, ROOT, Helm

FILES = CHARTS / "mizzen" / "files"
WRITTEN = "http://mizzen-api.mizzen:8080/api/v1/runbooks"


def test_alerts_and_dashboards_are_those_of_monitoring() -> None:
    for pattern, folder in {
        "alerts/*.rules.yaml": "alerts",
        "dashboards/*.json": "dashboards",
    }.items():
        sources = {f.name: f.read_bytes() for f in (ROOT / "monitoring").glob(pattern)}
        copies = {f.name: f.read_bytes() for f in (FILES / folder).iterdir()}
        assert copies == sources, "run make generate"


def test_the_rules_arrive_whole(platform: Helm, all_on: dict[str, Any]) -> None:
    """Helm leaves alone what Prometheus has to fill in."""
    rule = platform.render(all_on).one("PrometheusRule", "mizzen-alerts")
    text = (ROOT / "monitoring" / "alerts" / "mizzen.rules.yaml").read_text()
    assert rule["spec"] == yaml.safe_load(text.replace(WRITTEN, base_of(rule)))


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({"gateway": {"enabled": False}}, "http://mizzen-api.default:8080/api/v1/runbooks"),
        (
            {"gateway": {"enabled": True, "hostname": "mizzen.example.com", "tlsSecret": "tls"}},
            "https://mizzen.example.com/api/v1/runbooks",
        ),
        (
            {
                "monitoring": {
                    "rules": {"enabled": True, "runbookUrl": "https://wiki.example.com/x/"}
                }
            },
            "https://wiki.example.com/x",
        ),
    ],
)
def test_a_runbook_has_an_address_that_a_person_can_open(
    platform: Helm, values: dict[str, Any], address: str
) -> None:
    given = {"monitoring": {"rules": {"enabled": True}}, **values}
    assert base_of(platform.render(given).one("PrometheusRule", "mizzen-alerts")) == address


def base_of(rule: dict[str, Any]) -> str:
    """What stands before the names of the alerts, of all of them the same."""
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"]]
    (base,) = {a["annotations"]["runbook_url"].removesuffix(f"/{a['alert']}") for a in alerts}
    return str(base)


def test_the_dashboards_arrive_whole(platform: Helm, all_on: dict[str, Any]) -> None:
    maps = platform.render(all_on).of("ConfigMap")
    for source in (ROOT / "monitoring" / "dashboards").glob("*.json"):
        found = maps[f"mizzen-dashboard-{source.stem}"]
        assert json.loads(found["data"][source.name]) == json.loads(source.read_text())
        assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
