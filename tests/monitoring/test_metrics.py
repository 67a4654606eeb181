"""One list of metrics: what is exposed, drawn, alerted on and documented agree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from mizzen.errors import NotFound
from mizzen_monitoring import dashboards
from mizzen_monitoring.metrics import METRICS, SERVING, SHIPPING, reference
from mizzen_monitoring.runbooks import runbook
from mizzen_serving.log_shipper.metrics import ShipFigures
from mizzen_serving.metrics import Instruments

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "monitoring" / "alerts"
RUNBOOKS = ROOT / "monitoring" / "runbooks"
RUNBOOK_URL = "http://mizzen-api.mizzen:8080/api/v1/runbooks"
RULES = [
    rule
    for group in yaml.safe_load((ALERTS / "mizzen.rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]


def named(query: str) -> set[str]:
    """Metrics in a PromQL expression, without the suffixes of a histogram."""
    return {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for name in re.findall(r"\bmizzen_[a-z_]+\b(?!\")", query)
    }


def test_the_service_exposes_exactly_the_metrics_that_are_listed() -> None:
    exposed = {
        (family.name + ("_total" if family.type == "counter" else ""), family.type)
        for family in Instruments().registry.collect()
    }
    assert exposed == {(metric.name, metric.kind) for metric in SERVING}


def test_listed_labels_are_those_of_the_service() -> None:
    collectors = Instruments().registry._collector_to_names
    labels = {c._name: tuple(c._labelnames) for c in collectors}  # type: ignore[attr-defined]
    for metric in SERVING:
        assert labels[metric.name.removesuffix("_total")] == metric.labels


def test_the_sidecar_exposes_exactly_the_metrics_that_are_listed() -> None:
    page = ShipFigures().render().decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    assert kinds == {metric.name: metric.kind for metric in SHIPPING}
    documented = re.findall(r"^# HELP (\S+) \S", page, re.MULTILINE)
    assert set(documented) == set(kinds)
    labels = dict(re.findall(r"^(mizzen_\w+)\{(\w+)=", page, re.MULTILINE))
    assert labels == {metric.name: metric.labels[0] for metric in SHIPPING if metric.labels}


def test_the_reference_page_is_what_the_definitions_make() -> None:
    assert (ROOT / "docs" / "reference" / "metrics.md").read_text() == reference()


@pytest.mark.parametrize("name", sorted(dashboards.DASHBOARDS))
def test_a_dashboard_is_what_the_definitions_make(name: str) -> None:
    text = (ROOT / "monitoring" / "dashboards" / f"{name}.json").read_text()
    assert text == dashboards.render()[name]
    assert json.loads(text)["uid"] == name


def test_no_dashboard_lies_around_that_nothing_makes() -> None:
    files = {file.stem for file in (ROOT / "monitoring" / "dashboards").glob("*.json")}
    assert files == set(dashboards.DASHBOARDS)


def test_dashboards_and_alerts_name_known_metrics_and_dashboards_all_of_them() -> None:
    known = {metric.name for metric in METRICS}
    drawn = set().union(*(named(query) for query in dashboards.queries()))
    assert drawn == known
    for rule in RULES:
        assert named(rule["expr"]) <= known, rule["alert"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_has_a_runbook_that_says_what_to_do(rule: dict[str, object]) -> None:
    name = str(rule["alert"])
    annotations = rule["annotations"]
    assert isinstance(annotations, dict)
    assert annotations["runbook_url"] == f"{RUNBOOK_URL}/{name}"
    text = runbook(name)
    assert text.startswith(f"# {name}\n")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert all(len(part.strip()) > 20 for part in re.split(r"^## .+$", text, flags=re.M)[1:])


def test_no_runbook_is_without_an_alert() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == {str(r["alert"]) for r in RULES}


def test_an_alert_that_is_none_is_refused_with_those_that_are() -> None:
    for name in ("MizzenDraft", "../runbooks/MizzenDrift", "", "MizzenDrift.md"):
        with pytest.raises(NotFound, match="MizzenDrift, MizzenDriftJobStale"):
            runbook(name)


def test_each_alert_is_tested_silent_and_firing() -> None:
    tests = yaml.safe_load((ALERTS / "mizzen.tests.yaml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for rule in RULES:
        mine = [case["exp_alerts"] for case in cases if case["alertname"] == rule["alert"]]
        assert any(mine), rule["alert"]
        assert not all(mine), rule["alert"]


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "mizzen.rules.yaml"), ("test", "rules", "mizzen.tests.yaml")]
)
def test_promtool_accepts_the_alerts(arguments: tuple[str, ...]) -> None:
    program = shutil.which("promtool")
    if program is None:
        reason = "promtool is not installed (Debian's package prometheus has it)"
        assert os.environ.get("MIZZEN_CI_STRICT") != "1", reason
        pytest.skip(reason)
    done = subprocess.run(
        [program, *arguments], cwd=ALERTS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
