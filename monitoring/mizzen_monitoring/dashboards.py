"""Grafana dashboards, from the metric definitions. Pure; `mizzen_monitoring.metrics` writes them.

Queries stand apart from panels: a panel is a title, a unit and queries; where it lies on the
page follows from its place in the list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WIDTH, _HEIGHT = 12, 8
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries`: legend -> PromQL. `unit`: Grafana's name of it."""

    title: str
    queries: Mapping[str, str]
    unit: str = "short"


_OF = '{project=~"$project"}'
DASHBOARDS: Mapping[str, tuple[str, str, Sequence[Panel]]] = {
    "mizzen-monitoring": (
        "Mizzen: drift and quality",
        "mizzen_drift_rows",
        (
            Panel(
                "Alarms",
                {
                    "drift {{project}} v{{version}}": f"mizzen_drift_alarm{_OF}",
                    "quality {{project}} v{{version}}": f"mizzen_quality_alarm{_OF}",
                },
            ),
            Panel(
                "Score over threshold, the furthest ten (above 1: beyond)",
                {
                    "{{column}} {{measure}}": f"topk(10, mizzen_drift_score{_OF} "
                    f"/ mizzen_drift_threshold{_OF})"
                },
            ),
            Panel(
                "Quality on labelled predictions",
                {
                    "{{metric}} v{{version}}": f"mizzen_quality_value{_OF}",
                    "low": f"mizzen_quality_low{_OF}",
                    "high": f"mizzen_quality_high{_OF}",
                    "at evaluation": f"mizzen_quality_evaluated{_OF}",
                },
            ),
            Panel(
                "Rows of the newest window",
                {
                    "predictions": f"mizzen_drift_rows{_OF}",
                    "judged (1: yes)": f"mizzen_drift_judged{_OF}",
                },
            ),
            Panel(
                "Share of labels",
                {
                    "judged window v{{version}}": f"mizzen_quality_share{_OF}",
                    "newest window v{{version}}": f"mizzen_quality_newest_share{_OF}",
                },
                "percentunit",
            ),
            Panel(
                "Labels",
                {
                    "labelled": f"mizzen_quality_labelled{_OF}",
                    "predictions": f"mizzen_quality_predictions{_OF}",
                    "no labels of the task": f"mizzen_quality_wrong_labels{_OF}",
                    "due and judged (1: yes)": f"mizzen_quality_judged{_OF}",
                },
            ),
            Panel(
                "Age of the newest window of quality that was judged",
                {"v{{version}}": f"time() - mizzen_quality_window_end_timestamp_seconds{_OF}"},
                "s",
            ),
            Panel("Prediction log", {"{{kind}}": f"mizzen_prediction_log_records{_OF}"}),
            Panel(
                "Age of the newest window",
                {"v{{version}}": f"time() - mizzen_drift_window_end_timestamp_seconds{_OF}"},
                "s",
            ),
            Panel(
                "Age of the last drift job",
                {"{{project}}": f"time() - mizzen_drift_job_finished_timestamp_seconds{_OF}"},
                "s",
            ),
            Panel(
                "Duration of the drift job",
                {"{{project}}": f"mizzen_drift_job_seconds{_OF}"},
                "s",
            ),
        ),
    ),
    "mizzen-serving": (
        "Mizzen: serving",
        "mizzen_serving_model_info",
        (
            Panel(
                "Requests",
                {
                    "{{path}} {{code}}": "sum by (path, code) "
                    "(rate(mizzen_serving_requests_total[$__rate_interval]))"
                },
                "reqps",
            ),
            Panel(
                "Latency",
                {
                    f"p{round(q * 100)} {{{{path}}}}": f"histogram_quantile({q}, sum by (le, path) "
                    "(rate(mizzen_serving_request_seconds_bucket[$__rate_interval])))"
                    for q in (0.5, 0.95, 0.99)
                },
                "s",
            ),
            Panel(
                "Rows and labels",
                {
                    "rows": "sum(rate(mizzen_serving_rows_total[$__rate_interval]))",
                    "labels": "sum(rate(mizzen_serving_labels_total[$__rate_interval]))",
                },
            ),
            Panel(
                "Rows that the model saw at once",
                {
                    "mean": "sum(rate(mizzen_serving_batch_rows_sum[$__rate_interval])) "
                    "/ sum(rate(mizzen_serving_batch_rows_count[$__rate_interval]))"
                },
            ),
            Panel(
                "In flight, connections and workers",
                {
                    "in flight {{instance}}": "mizzen_serving_in_flight",
                    "connections {{instance}}": "mizzen_serving_connections",
                    "workers {{state}} {{instance}}": "mizzen_serving_workers",
                },
            ),
            Panel(
                "Missing values",
                {
                    "{{feature}}": "sum by (feature) "
                    "(rate(mizzen_serving_features_missing_total[$__rate_interval]))",
                    "{{feature}} outside training": "sum by (feature) "
                    "(rate(mizzen_serving_features_outside_total[$__rate_interval]))",
                    "{{feature}} unknown": "sum by (feature) "
                    "(rate(mizzen_serving_categories_unknown_total[$__rate_interval]))",
                },
            ),
            Panel(
                "Faults",
                {
                    "outputs refused": "sum(rate("
                    "mizzen_serving_output_faults_total[$__rate_interval]))",
                    "records refused": "sum(mizzen_serving_log_refused_records)",
                    "connections refused: {{reason}}": "sum by (reason) (rate("
                    "mizzen_serving_refused_connections_total[$__rate_interval]))",
                },
            ),
            Panel("Unsynced", {"{{instance}}": "mizzen_serving_log_unsynced_bytes"}, "bytes"),
            Panel("Model", {"{{model}} v{{version}}": "mizzen_serving_model_info"}),
            Panel(
                "Waits to be shipped",
                {
                    "{{instance}}": "mizzen_ship_unshipped_bytes",
                    "{{instance}} sent": "rate(mizzen_ship_shipped_bytes_total[$__rate_interval])",
                },
                "bytes",
            ),
            Panel(
                "Shipping is behind",
                {
                    "{{instance}}": "mizzen_ship_behind_seconds",
                    "{{instance}} since a good look": "time() "
                    "- mizzen_ship_last_success_timestamp_seconds",
                },
                "s",
            ),
            Panel(
                "Shipping",
                {
                    "failed: {{reason}}": "sum by (reason) "
                    "(rate(mizzen_ship_failures_total[$__rate_interval]))",
                    "objects": "sum(rate(mizzen_ship_objects_total[$__rate_interval]))",
                    "segments waiting": "sum(mizzen_ship_unshipped_segments)",
                    "segments removed": "sum(mizzen_ship_removed_segments_total)",
                },
            ),
        ),
    ),
}


def render() -> dict[str, str]:
    """File name without ending -> JSON."""
    return {
        name: json.dumps(_dashboard(name, *spec), indent=1, sort_keys=True) + "\n"
        for name, spec in DASHBOARDS.items()
    }


def queries() -> list[str]:
    """Every PromQL expression of every dashboard."""
    return [
        query
        for _, _, panels in DASHBOARDS.values()
        for panel in panels
        for query in panel.queries.values()
    ]


def _dashboard(uid: str, title: str, known: str, panels: Sequence[Panel]) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "tags": ["mizzen"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": _variables(known, panels)},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _variables(known: str, panels: Sequence[Panel]) -> list[dict[str, Any]]:
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "source"}
    project = {
        "name": "project",
        "type": "query",
        "datasource": _DATASOURCE,
        "query": f"label_values({known}, project)",
        "includeAll": True,
        "multi": True,
        "refresh": 2,
    }
    used = any("$project" in query for panel in panels for query in panel.queries.values())
    return [source, project] if used else [source]


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    column, row = number % 2, number // 2
    return {
        "id": number + 1,
        "title": panel.title,
        "type": "timeseries",
        "datasource": _DATASOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend}
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
    }
