"""Whether rows and a view's history name entities in the same way. The features step asks.

A key is compared as text. Where rows say 0 and 1 and the history true and false, every feature
would be null without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
SHOWN = 3


def check_entities(view: FeatureView, rows: pd.DataFrame, values: pd.DataFrame) -> None:
    """Some entity of the rows is one of the history, in every column that names it.

    Raises:
        InvalidData: none is, and the two are written in different ways.
    """
    for column in view.entity:
        if column not in rows:
            continue  # the join says so
        ours = _known(text_keys(rows[column], f"{column!r} of the rows"))
        theirs = _known(text_keys(values[column], f"{column!r} of the view {view.name!r}"))
        shapes = (_shape(ours), _shape(theirs))
        if ours and theirs and not ours & theirs and shapes[0] != shapes[1]:
            raise InvalidData(
                f"the rows and the view {view.name!r} name {column!r} in different ways: no row "
                "would find a value",
                given=f"rows: {_some(ours)} ({shapes[0]}); view: {_some(theirs)} ({shapes[1]})",
                allowed="the same type on both sides",
                next_step=f"convert the column in {view.source}, or in the data source",
            )


def _known(texts: Iterable[str | None]) -> set[str]:
    return {text for text in texts if text is not None}


def _shape(texts: set[str]) -> str:
    fitting = (n for n, form in _SHAPES.items() if all(form.fullmatch(text) for text in texts))
    return next(fitting, "text")


def _some(texts: set[str]) -> str:
    return ", ".join(sorted(texts)[:SHOWN])
