"""The fitted encoding of a model for a few rows at a time, as the service needs it.

`Encoder.encode` works column by column, which is right for a table and slow for one row. This
one fills a whole row matrix; a test holds both equal bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mizzen.core.canonical import canonical_text
from mizzen.core.encoding import UNKNOWN, Encoded, Encoder
from mizzen_serving.rows import Row, picker


class RowEncoder:
    """Encodes rows whose values lie in the order of `columns`."""

    def __init__(self, encoder: Encoder, columns: Sequence[str]) -> None:
        place = {name: number for number, name in enumerate(columns)}
        self._numbers = picker([place[column.name] for column in encoder.numbers])
        self._width = len(encoder.numbers)
        self._scaling = encoder.scaling
        self._codes: list[tuple[int, dict[str | None, int]]] = [
            (place[column.name], {name: code for code, name in enumerate(column.categories, 1)})
            for column in encoder.categories
        ]

    def encode(self, rows: Sequence[Row]) -> Encoded:
        """Rows of plain values; None is null in both kinds."""
        raw = np.array([*map(self._numbers, rows)], dtype=np.float64)
        raw = raw.reshape(len(rows), self._width)
        codes = np.empty((len(rows), len(self._codes)), dtype=np.int64)
        for column, (place, known) in enumerate(self._codes):
            codes[:, column] = [known.get(row[place]) or _code(row[place], known) for row in rows]
        return Encoded(raw, codes, self._scaling)


def _code(value: Any, known: dict[str | None, int]) -> int:
    return known.get(value if type(value) is str else canonical_text(value), UNKNOWN)
