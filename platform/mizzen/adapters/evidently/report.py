"""`EvidentlyReport`: the page with distributions, side by side, of training and of a window.

The drift job calls it last, on samples. Evidently's own tests of drift change with the number of
rows (docs/explanation/drift.md), so none of them is on the page: one verdict stands there, the
calibrated one, with its measures and their thresholds.
"""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.adapters.backends import missing
from mizzen.adapters.files.atomic import replace_text
from mizzen.core.drift import ColumnDrift
from mizzen.core.place import Place
from mizzen.errors import InvalidData
from mizzen.ports.drift_report import DriftReport

if TYPE_CHECKING:
    import pandas as pd

# The page carries all of its scripts; the policy makes sure that it stays so.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:"
)
_NOTE = "Below: distributions of samples, of training (reference) and of the window (current)."
_HEADS = ("column", "role", "measure", "value", "threshold", "")


class EvidentlyReport(DriftReport):
    """The verdict, and Evidently's summary of both samples, as one HTML file."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def render(
        self,
        reference: pd.DataFrame,
        current: pd.DataFrame,
        into: Path,
        *,
        categories: Sequence[str],
        verdict: str,
        measures: Sequence[ColumnDrift] = (),
    ) -> Path:
        """See `ports.drift_report`."""
        shown = [name for name in reference.columns if _drawable(reference, current, name)]
        if not shown:
            raise InvalidData("no column has values on both sides; there is nothing to draw")
        os.environ["DO_NOT_TRACK"] = "1"  # read when evidently is imported
        try:
            from evidently import (  # type: ignore[import-untyped]
                DataDefinition,
                Dataset,
                Report,
            )
            from evidently.presets import DataSummaryPreset  # type: ignore[import-untyped]
        except ModuleNotFoundError as error:
            raise missing(error.name or "evidently", "evidently") from error

        names = [name for name in shown if name in set(categories)]
        numbers = [name for name in shown if name not in set(categories)]
        columns = DataDefinition(numerical_columns=numbers, categorical_columns=names)
        old, new = (
            Dataset.from_pandas(_typed(frame[shown], names), data_definition=columns)
            for frame in (reference, current)
        )
        snapshot = Report([DataSummaryPreset()]).run(new, old)
        page = _with_verdict(snapshot.get_html_str(as_iframe=False), verdict, measures)
        replace_text(into, page)
        return into


def _drawable(reference: pd.DataFrame, current: pd.DataFrame, name: str) -> bool:
    """Evidently cannot draw a column that is empty on one side."""
    return bool(
        name in current.columns and reference[name].notna().any() and current[name].notna().any()
    )


def _typed(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    numbers = {name: "float64" for name in frame.columns if name not in set(names)}
    return frame.astype({**numbers, **dict.fromkeys(names, "object")})


def _with_verdict(page: str, verdict: str, measures: Sequence[ColumnDrift]) -> str:
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        "<title>Drift report</title>"
    )
    banner = (
        '<div style="font:16px sans-serif;padding:16px 24px;border-bottom:1px solid #ccc">'
        f"<b>{html.escape(verdict)}</b>{_table(measures)}<small>{html.escape(_NOTE)}</small></div>"
    )
    page = page.replace("<head>", f"<head>{head}", 1)
    return page.replace("<body>", f"<body>{banner}", 1)


def _table(measures: Sequence[ColumnDrift]) -> str:
    """What the verdict rests on, the furthest first."""
    furthest = sorted(measures, key=lambda m: m.score / m.threshold, reverse=True)
    rows = [
        (m.column, m.role, m.measure, f"{m.score:.4g}", f"{m.threshold:.4g}", _word(m))
        for m in furthest
    ]
    lines = [_row("th", _HEADS), *(_row("td", row) for row in rows)]
    style = "font-size:14px;margin:8px 0;text-align:left;border-spacing:16px 2px"
    return f'<table style="{style}">{"".join(lines)}</table>' if rows else "<br>"


def _word(measure: ColumnDrift) -> str:
    if not measure.beyond:
        return "within"
    return "beyond, shown only" if measure.role == "output" else "beyond"


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
