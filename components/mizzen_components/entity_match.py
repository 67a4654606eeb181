"""Whether rows and a view's history name entities in the same way. The features step asks.

A key is compared as text. Where rows say 0 and 1 and the history true and false, or 02116 and
2116, features would be null without a word. `mizzen check --data` asks too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from mizzen.adapters.feast.keys import text_keys
from mizzen.errors import InvalidData
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    import pandas as pd

_SHAPES = {
    "true or false": re.compile("true|false"),
    "numbers": re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?"),
    "dates": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "instants with a zone": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"),
    "times without a zone": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+"),
}
# beyond what a canonical text is: what a person reads as a number, as a date or an instant
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]{1,3})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([t ][0-9:.]+(z|[+-][0-9:]+)?)?")
SHOWN = 3


def check_entities(view: FeatureView, rows: pd.DataFrame, values: pd.DataFrame) -> list[str]:
    """Some entity of the rows is one of the history, in every column that names it; what is odd
    about the others, in sentences.

    Raises:
        InvalidData: none is, and the two are written in different ways.
    """
    found: list[str] = []
    for column in view.entity:
        if column not in rows:
            continue  # the join says so
        ours = _known(text_keys(rows[column], f"{column!r} of the rows"))
        theirs = _known(text_keys(values[column], f"{column!r} of the view {view.name!r}"))
        if ours and theirs:
            _refuse_other_form(view, column, ours, theirs)
            found += _odd(view, column, ours, theirs)
    return found


def _refuse_other_form(view: FeatureView, column: str, ours: set[str], theirs: set[str]) -> None:
    shapes = (_shape(ours), _shape(theirs))
    if ours & theirs or shapes[0] == shapes[1]:
        return
    raise InvalidData(
        f"the rows and the view {view.name!r} name {column!r} in different ways: no row "
        "would find a value",
        given=f"rows: {_some(ours)} ({shapes[0]}); view: {_some(theirs)} ({shapes[1]})",
        allowed="the same type on both sides",
        next_step=f"convert the column in {view.source}, or in the data source",
    )


def _odd(view: FeatureView, column: str, ours: set[str], theirs: set[str]) -> list[str]:
    """Names that the two write in two ways, and a view that knows none of the rows' entities."""
    lone = ours - theirs
    twins = _twins(lone, theirs)
    if twins:
        our, their = twins[0]
        return [
            f"{len(lone)} of {len(ours)} entities {column!r} of the rows are not in the view "
            f"{view.name!r}, {len(twins)} of them because they are written in another way: the "
            f"view writes {their!r} where the rows write {our!r}; convert the column in "
            f"{view.source}, or in the data source"
        ]
    if len(lone) == len(ours):
        return [
            f"none of the {len(ours)} entities {column!r} of the rows ({_some(ours)}) is in the "
            f"view {view.name!r} ({_some(theirs)}): no row finds a value"
        ]
    return []


def _twins(ours: set[str], theirs: set[str]) -> list[tuple[str, str]]:
    """Names of ours, each with one of theirs of which a person would say that it means the same."""
    wanted = {name: _meaning(name) for name in sorted(ours)}
    meant = set(wanted.values())
    by_meaning = {m: name for name in sorted(theirs) if (m := _meaning(name)) in meant}
    return [(name, by_meaning[m]) for name, m in wanted.items() if m in by_meaning]


def _meaning(name: str) -> object:
    plain = name.strip().casefold()
    if _NUMBER.fullmatch(plain):
        return Decimal(plain)
    if _TIME.fullmatch(plain):
        with suppress(ValueError):
            time = datetime.fromisoformat(plain.upper())
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return {"true": Decimal(1), "false": Decimal(0)}.get(plain, plain)


def _known(texts: Iterable[str | None]) -> set[str]:
    return {text for text in texts if text is not None}


def _shape(texts: set[str]) -> str:
    fitting = (n for n, form in _SHAPES.items() if all(form.fullmatch(text) for text in texts))
    return next(fitting, "text")


def _some(texts: set[str]) -> str:
    return ", ".join(sorted(texts)[:SHOWN])
