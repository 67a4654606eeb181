"""What is worth a look in rows that the steps take: values of several types, classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mizzen.control.check.finding import Finding
from mizzen.core.labels import fit_classes
from mizzen.spec.project import ProjectSpec

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10  # classes in one line


def looks(spec: ProjectSpec, rows: pd.DataFrame, types: Mapping[str, str]) -> list[Finding]:
    """Warnings, the label's classes, and how much there is.

    Args:
        types: what columns of names were in the source of the rows.
    """
    found = [*_mixed(types), *_classes(spec, rows)]
    return [*found, Finding("ok", "data", f"{len(rows)} rows, {len(rows.columns)} columns")]


def _mixed(types: Mapping[str, str]) -> list[Finding]:
    return [
        Finding(
            "warning",
            "data",
            f"column {name!r} holds values of several types: 2116 and '02116' are two names",
            "give the column one type where it is written or read",
        )
        for name, kind in types.items()
        if kind == "mixed"
    ]


def _classes(spec: ProjectSpec, rows: pd.DataFrame) -> list[Finding]:
    if spec.task == "regression":
        return []
    known = rows[spec.label.column].dropna()
    classes = fit_classes(known.to_numpy(), spec.task, spec.label.positive)
    counts = known.astype(str).value_counts()
    shown = ", ".join(f"{name!r} ({counts.get(name, 0)})" for name in classes[:_SHOWN])
    more = f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else ""
    positive = f"; positive: {classes[1]!r}" if spec.task == "binary" else ""
    return [Finding("ok", "label", f"classes {shown}{more}{positive}")]
