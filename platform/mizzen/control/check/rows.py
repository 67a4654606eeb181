"""What is worth a look in rows that the steps take: values written in two ways, classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from mizzen.control.check.finding import Finding
from mizzen.core.canonical import canonical_texts
from mizzen.core.labels import fit_classes
from mizzen.spec.project import ProjectSpec

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]{1,3})?")
_SHOWN = 10  # classes in one line


def looks(
    spec: ProjectSpec,
    rows: pd.DataFrame,
    types: Mapping[str, str],
    histories: Mapping[str, pd.DataFrame],
) -> list[Finding]:
    """Warnings, the label's classes, and how much there is.

    Args:
        types: what columns of names were in the source of the rows.
        histories: what the views' functions returned, by view.
    """
    found = [*_mixed(types), *_other_names(spec, rows, histories)]
    found += _classes(spec, rows)
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


def _other_names(
    spec: ProjectSpec, rows: pd.DataFrame, histories: Mapping[str, pd.DataFrame]
) -> list[Finding]:
    """Entities that the rows and a history write in two ways, such as 02116 and 2116."""
    found = []
    for view in spec.features.used_views:
        history = histories.get(view.name)
        if history is None:
            continue
        for name in view.entity:
            ours = set(canonical_texts(rows[name].dropna().to_numpy(), name).tolist())
            theirs = set(history[name].tolist())
            twins = _twins(ours - theirs, theirs - ours)
            if twins:
                ((our, their), *_) = twins
                message = (
                    f"the rows name the entity {name!r} as in {our!r}, the history of view "
                    f"{view.name!r} as in {their!r}: {len(twins)} of {len(ours)} find no value"
                )
                hint = f"write it in one way: in {view.source}, or in the data source"
                found.append(Finding("warning", "features.views", message, hint))
    return found


def _twins(ours: set[str], theirs: set[str]) -> list[tuple[str, str]]:
    """Pairs of names that differ, of which a person would say that they mean the same."""
    by_meaning = {_meaning(name): name for name in sorted(theirs)}
    pairs = ((name, by_meaning.get(_meaning(name))) for name in sorted(ours))
    return [(name, other) for name, other in pairs if other is not None]


def _meaning(name: str) -> object:
    plain = name.strip().casefold()
    if _NUMBER.fullmatch(plain):
        return Decimal(plain)
    return {"true": Decimal(1), "false": Decimal(0)}.get(plain, plain)


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
