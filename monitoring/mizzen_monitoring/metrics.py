"""Every Prometheus metric of Mizzen, in one place.

The drift job exposes its own from here; the service's stand here as it exposes them (a test
holds both together). Alerts, dashboards and docs/reference/metrics.md name nothing else.
`python -m mizzen_monitoring.metrics` writes the two generated ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` as it is queried: counters end in `_total`; a histogram's series add `_bucket`,
    `_sum` and `_count`."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()


_MODEL = ("project", "version")
_MEASURE = (*_MODEL, "column", "role", "measure")

DRIFT_JOB: tuple[Metric, ...] = (
    Metric("mizzen_drift_alarm", "gauge", "1 while the newest window drifted, else 0.", _MODEL),
    Metric(
        "mizzen_drift_judged",
        "gauge",
        "0 when the newest window was too small or too short to judge.",
        _MODEL,
    ),
    Metric("mizzen_drift_rows", "gauge", "Predictions in the newest window.", _MODEL),
    Metric(
        "mizzen_drift_score",
        "gauge",
        "PSI of a column to the nearest training window.",
        _MEASURE,
    ),
    Metric(
        "mizzen_drift_threshold",
        "gauge",
        "The calibrated threshold of that score.",
        _MEASURE,
    ),
    Metric(
        "mizzen_drift_window_end_timestamp_seconds",
        "gauge",
        "Where the newest window ends, in event time.",
        _MODEL,
    ),
    Metric(
        "mizzen_prediction_log_records",
        "gauge",
        "Records of the prediction log: predictions, labels, torn tails, dropped.",
        ("project", "kind"),
    ),
    Metric(
        "mizzen_drift_job_finished_timestamp_seconds",
        "gauge",
        "When the drift job last finished.",
        ("project",),
    ),
    Metric("mizzen_drift_job_seconds", "gauge", "How long it took.", ("project",)),
)

_JUDGED = "of the newest window of quality that was judged"
QUALITY: tuple[Metric, ...] = (
    Metric(
        "mizzen_quality_alarm",
        "gauge",
        f"1 while quality fell by more than `monitoring.quality_drop`, else 0; {_JUDGED}.",
        _MODEL,
    ),
    Metric(
        "mizzen_quality_judged",
        "gauge",
        "0 when the newest window whose labels are due could not be judged, else 1.",
        _MODEL,
    ),
    Metric(
        "mizzen_quality_value",
        "gauge",
        f"The primary metric on labelled predictions {_JUDGED}.",
        (*_MODEL, "metric"),
    ),
    Metric(
        "mizzen_quality_low", "gauge", "Lower end of that value's interval.", (*_MODEL, "metric")
    ),
    Metric(
        "mizzen_quality_high", "gauge", "Upper end of that value's interval.", (*_MODEL, "metric")
    ),
    Metric(
        "mizzen_quality_evaluated",
        "gauge",
        "The primary metric at evaluation, before registration.",
        (*_MODEL, "metric"),
    ),
    Metric("mizzen_quality_predictions", "gauge", f"Predictions {_JUDGED}.", _MODEL),
    Metric("mizzen_quality_labelled", "gauge", f"Labelled predictions {_JUDGED}.", _MODEL),
    Metric("mizzen_quality_share", "gauge", f"Share of labelled predictions {_JUDGED}.", _MODEL),
    Metric(
        "mizzen_quality_newest_share",
        "gauge",
        "Share of labelled predictions of the newest window that ended, judged or not.",
        _MODEL,
    ),
    Metric(
        "mizzen_quality_window_end_timestamp_seconds",
        "gauge",
        f"The end {_JUDGED}, in event time.",
        _MODEL,
    ),
    Metric(
        "mizzen_quality_wrong_labels",
        "gauge",
        "Stored labels, over all windows, that are none of the task's; they were left out.",
        _MODEL,
    ),
)

SERVING: tuple[Metric, ...] = (
    Metric(
        "mizzen_serving_requests_total",
        "counter",
        "Requests by path and code.",
        ("path", "code"),
    ),
    Metric(
        "mizzen_serving_request_seconds",
        "histogram",
        "Duration of a request, by path.",
        ("path",),
    ),
    Metric("mizzen_serving_rows_total", "counter", "Rows predicted."),
    Metric("mizzen_serving_batch_rows", "histogram", "Rows that the model saw at once."),
    Metric("mizzen_serving_labels_total", "counter", "Labels received."),
    Metric("mizzen_serving_in_flight", "gauge", "Requests being answered."),
    Metric("mizzen_serving_connections", "gauge", "Open connections."),
    Metric(
        "mizzen_serving_refused_connections_total",
        "counter",
        "Connections and requests that a limit ended, by reason.",
        ("reason",),
    ),
    Metric(
        "mizzen_serving_workers",
        "gauge",
        "Workers of the service, by state; only with several.",
        ("state",),
    ),
    Metric(
        "mizzen_serving_features_missing_total",
        "counter",
        "Null values that the model saw, by feature.",
        ("feature",),
    ),
    Metric(
        "mizzen_serving_features_outside_total",
        "counter",
        "Numbers far outside what training saw, by feature.",
        ("feature",),
    ),
    Metric(
        "mizzen_serving_categories_unknown_total",
        "counter",
        "Values of a category that training never saw, by feature.",
        ("feature",),
    ),
    Metric(
        "mizzen_serving_output_faults_total",
        "counter",
        "Rows whose output failed its check.",
    ),
    Metric(
        "mizzen_serving_log_unsynced_bytes",
        "gauge",
        "What a power failure would lose now.",
    ),
    Metric(
        "mizzen_serving_log_refused_records",
        "gauge",
        "Records that the full log refused.",
    ),
    Metric(
        "mizzen_serving_model_info",
        "gauge",
        "The served model; always 1.",
        ("model", "version", "task", "framework", "weights"),
    ),
)

SHIPPING: tuple[Metric, ...] = (
    Metric("mizzen_ship_unshipped_bytes", "gauge", "Bytes of the log that are not stored yet."),
    Metric("mizzen_ship_unshipped_segments", "gauge", "Segments that are not stored whole yet."),
    Metric("mizzen_ship_behind_seconds", "gauge", "How long something has been waiting."),
    Metric(
        "mizzen_ship_last_success_timestamp_seconds",
        "gauge",
        "When the sidecar last looked without an error.",
    ),
    Metric("mizzen_ship_shipped_bytes_total", "counter", "Bytes sent."),
    Metric("mizzen_ship_objects_total", "counter", "Objects sent."),
    Metric(
        "mizzen_ship_removed_segments_total",
        "counter",
        "Shipped segments that made room for others.",
    ),
    Metric(
        "mizzen_ship_failures_total",
        "counter",
        "Looks that failed: credentials refused, no bucket, storage away.",
        ("reason",),
    ),
)

METRICS: tuple[Metric, ...] = (*DRIFT_JOB, *QUALITY, *SERVING, *SHIPPING)


def reference() -> str:
    """docs/reference/metrics.md."""
    return "\n".join(
        [
            "# Metrics",
            "",
            "Generated from `mizzen_monitoring.metrics` by `python -m mizzen_monitoring.metrics`.",
            "",
            *_table(
                "The drift job",
                "Written to `<home>/metrics/<project>.prom` (node-exporter's text file "
                "format) and, where the profile names one, to a push gateway.",
                DRIFT_JOB,
            ),
            *_table(
                "Quality",
                "Written with each look of the drift job to "
                "`<home>/metrics/<project>.quality.prom` and, where the profile names one, to a "
                "push gateway.",
                QUALITY,
            ),
            *_table("The service", "Answered on `/metrics`.", SERVING),
            *_table(
                "The sidecar that ships the prediction log",
                "Answered on `/metrics` of `python -m mizzen_serving.log_shipper`, port 9464.",
                SHIPPING,
            ),
        ]
    )


def _table(title: str, where: str, metrics: Sequence[Metric]) -> list[str]:
    rows = [
        f"| `{m.name}` | {m.kind} | {', '.join(f'`{x}`' for x in m.labels)} | {m.meaning} |"
        for m in metrics
    ]
    head = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    return [f"## {title}", "", where, "", *head, *rows, ""]


def main() -> None:
    """Write what is generated from the metrics, into this checkout."""
    from mizzen_monitoring import dashboards

    root = Path(__file__).parents[2]
    page = root / "docs" / "reference" / "metrics.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(reference(), encoding="utf-8")
    for name, text in dashboards.render().items():
        (root / "monitoring" / "dashboards" / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
