"""The chart carries the alerts and dashboards of monitoring/, as they are there."""

from __future__ import annotations

import json
from typing import Any

import yaml
from rendering import CHARTS, ROOT, Helm

FILES = CHARTS / "mizzen" / "files"


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
    assert rule["spec"] == yaml.safe_load(text)


def test_the_dashboards_arrive_whole(platform: Helm, all_on: dict[str, Any]) -> None:
    maps = platform.render(all_on).of("ConfigMap")
    for source in (ROOT / "monitoring" / "dashboards").glob("*.json"):
        found = maps[f"mizzen-dashboard-{source.stem}"]
        assert json.loads(found["data"][source.name]) == json.loads(source.read_text())
        assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
