"""From rows to numbers, learnt on training rows only. Plain numpy and JSON, no pickle.

Preprocessing fits an `Encoder`; training, evaluation and serving use the same one, so that a
served row is encoded exactly as a training row was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.canonical import canonical_texts, is_null
from mizzen.core.scaling import NOISE, Floats, Scaling, spread_of
from mizzen.errors import InvalidData

Columns = Mapping[str, NDArray[Any]]
UNKNOWN = 0  # the code of a category that training never saw, and of null


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Scaled by `mean` and `std` of the ordinary values; `missing` tells whether training saw
    nulls. `low` to `high`: where training's values lay; `sentinels`: far ones that repeated."""

    name: str
    mean: float
    std: float
    missing: bool
    low: float = -math.inf
    high: float = math.inf
    sentinels: tuple[float, ...] = ()

    def limits(self) -> tuple[float, float]:
        """What lies beyond is far outside what training saw: further than that was wide."""
        width = max(self.high - self.low, NOISE * max(abs(self.low), abs(self.high)))
        return self.low - width, self.high + width


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """Code 0 is unknown or null; the known categories follow from 1, sorted. `source`: what
    training read them from; see `mizzen_components.snapshot.read.source_types`."""

    name: str
    categories: tuple[str, ...]
    source: str = "text"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a user's torch model is built for.

    `numbers`: width of the float32 input (scaled columns, then one 0/1 flag for each column
    with nulls). `categories`: number of codes of each integer input. `outputs`: 1 for binary
    and regression, else the number of classes.
    """

    numbers: int
    categories: tuple[int, ...]
    outputs: int


@dataclass(frozen=True)
class Encoded:
    """Rows as a model takes them. `raw`: float64 (rows, p), as they stand, NaN where null: for
    trees. `codes`: int64 (rows, q). Without `scaling` the numbers are scaled already."""

    raw: NDArray[Any]
    codes: NDArray[np.int64]
    scaling: Scaling | None = None

    @cached_property
    def numbers(self) -> NDArray[np.float32]:
        """float32 (rows, p), scaled, NaN where null: for networks."""
        if self.scaling is None:
            return self.raw.astype(np.float32, copy=False)
        return self.scaling.apply(self.raw)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Encoded:
        """Some of the rows, in the given order."""
        return Encoded(self.raw[rows], self.codes[rows], self.scaling)


@dataclass(frozen=True)
class Encoder:
    """The fitted encoding of a model's inputs, and of its classes.

    `keys`: keys and entities that are no inputs, each with what training read it from, as
    `CategoryColumn.source`.
    """

    numbers: tuple[NumberColumn, ...]
    categories: tuple[CategoryColumn, ...]
    classes: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all inputs: numbers first, then categories."""
        numbers = tuple(column.name for column in self.numbers)
        return numbers + tuple(column.name for column in self.categories)

    def shape(self) -> Shape:
        """The widths that a torch model needs to know."""
        flags = sum(column.missing for column in self.numbers)
        codes = tuple(len(column.categories) + 1 for column in self.categories)
        outputs = len(self.classes) if len(self.classes) > 2 else 1
        return Shape(len(self.numbers) + flags, codes, outputs)

    @cached_property
    def scaling(self) -> Scaling:
        """How all number columns are scaled."""
        columns = self.numbers
        return Scaling.of([c.mean for c in columns], [c.std for c in columns])

    def encode(self, columns: Columns) -> Encoded:
        """Rows as arrays of equal length per column -> numbers and codes.

        Raises:
            InvalidData: a column is missing or does not hold finite numbers.
        """
        rows = len(columns[self.columns[0]]) if self.columns[0] in columns else 0
        raw = np.empty((rows, len(self.numbers)), dtype=np.float64)
        for index, number in enumerate(self.numbers):
            raw[:, index] = finite(
                as_float(_column(columns, number.name), number.name), number.name
            )
        codes = np.empty((rows, len(self.categories)), dtype=np.int64)
        for index, category in enumerate(self.categories):
            codes[:, index] = _codes(_column(columns, category.name), category)
        return Encoded(raw, codes, self.scaling)

    def average(self) -> Encoded:
        """One row of ordinary numbers, its categories unknown."""
        raw = np.array([[column.mean for column in self.numbers]], dtype=np.float64)
        codes = np.full((1, len(self.categories)), UNKNOWN, dtype=np.int64)
        return Encoded(raw.reshape(1, -1), codes, self.scaling)

    @cached_property
    def _limits(self) -> tuple[Floats, Floats]:
        limits = np.array([c.limits() for c in self.numbers], dtype=np.float64).reshape(-1, 2)
        return limits[:, 0], limits[:, 1]

    def is_ordinary(self, rows: Encoded) -> bool:
        """Whether training saw all that these rows hold: nothing is null, an unknown category,
        or a number far outside. Much cheaper than to ask which of it there is."""
        low, high = self._limits
        near = (rows.raw >= low) & (rows.raw <= high)  # false for NaN
        known = np.count_nonzero(rows.codes)  # UNKNOWN is 0, also for null
        return bool(np.count_nonzero(near) == near.size and known == rows.codes.size)

    def outside(self, rows: Encoded) -> dict[int, list[str]]:
        """By row, the numbers that lie far outside what training saw; rows without are left
        out."""
        low, high = self._limits
        far = (rows.raw < low) | (rows.raw > high)
        if not np.count_nonzero(far):
            return {}
        found: dict[int, list[str]] = {}
        values = rows.raw[far].tolist()  # in the order of argwhere
        for (row, place), value in zip(np.argwhere(far).tolist(), values, strict=True):
            column = self.numbers[place]
            if value not in column.sentinels:
                found.setdefault(row, []).append(column.name)
        return found

    def dense(self, encoded: Encoded) -> NDArray[np.float32]:
        """Numbers without NaN: null becomes the mean (0), with a flag column where training
        saw nulls; float32 (rows, shape().numbers)."""
        missing = np.isnan(encoded.numbers)
        filled = np.where(missing, np.float32(0), encoded.numbers)
        flagged = [i for i, column in enumerate(self.numbers) if column.missing]
        return np.concatenate([filled, missing[:, flagged].astype(np.float32)], axis=1)

    def to_json(self) -> str:
        """Canonical: equal encoders give equal text."""
        document = {
            "numbers": [_number_as_list(column) for column in self.numbers],
            "categories": [[c.name, list(c.categories), c.source] for c in self.categories],
            "classes": list(self.classes),
            "keys": dict(self.keys),
        }
        return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Encoder:
        """The inverse of `to_json`."""
        document = json.loads(text)
        return cls(
            tuple(_number_from_list(*row) for row in document["numbers"]),
            tuple(
                CategoryColumn(name, tuple(known), source)
                for name, known, source in document["categories"]
            ),
            tuple(document["classes"]),
            tuple(document["keys"].items()),
        )


def fit_number(name: str, values: NDArray[Any]) -> NumberColumn:
    """The scaling of the non-null training values, and where they lay; see `spread_of`."""
    floats = finite(as_float(values, name), name)
    known = floats[~np.isnan(floats)]
    if len(known) == 0:
        raise InvalidData(
            f"feature {name!r} is null in every training row",
            next_step="fix the source, widen the window, or remove the feature",
        )
    spread = spread_of(known)
    nulls = len(known) < len(floats)
    return NumberColumn(
        name, spread.mean, spread.std, nulls, spread.low, spread.high, spread.sentinels
    )


def fit_category(name: str, values: NDArray[Any], source: str = "text") -> CategoryColumn:
    """The sorted distinct non-null training values; `source`: their type there."""
    known = {text for text in canonical_texts(values, name).tolist() if text is not None}
    return CategoryColumn(name, tuple(sorted(known)), source)


def as_float(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Numbers, booleans and nulls as float64 with NaN; anything else is an error."""
    try:
        if values.dtype == object:
            return np.array([_number(value) for value in values.tolist()], dtype=np.float64)
        if values.dtype.kind not in "biuf":
            raise TypeError(f"dtype {values.dtype}")
        return values.astype(np.float64)
    except OverflowError:
        raise InvalidData(
            f"feature {name!r} holds a number that no float64 can hold",
            allowed="numbers between -1.8e308 and 1.8e308",
            next_step="fix the source, or use another unit",
        ) from None
    except TypeError as error:
        raise InvalidData(
            f"feature {name!r} must hold numbers",
            given=error,
            next_step="fix the source, or declare the feature with `kind: category`",
        ) from None


def finite(values: Floats, name: str) -> Floats:
    """The values themselves.

    Raises:
        InvalidData: one is infinite; the text names the first such row.
    """
    wrong = np.flatnonzero(np.isinf(values))
    if len(wrong):
        raise InvalidData(
            f"feature {name!r} is infinite in {len(wrong)} of {len(values)} rows",
            given=f"{values[wrong[0]]} in row {wrong[0] + 1}",
            allowed="finite numbers, or null",
            next_step="fix the division or logarithm that made them, or make them null",
        )
    return values


def _number(value: Any) -> float:
    if isinstance(value, float | int | np.number | np.bool_):
        return float(value)
    if is_null(value):
        return math.nan
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r}")
    number = float(value)
    if math.isinf(number) and value.is_finite():
        raise OverflowError
    return number


def _number_from_list(
    name: str, mean: float, std: float, missing: bool, low: float, high: float, far: list[float]
) -> NumberColumn:
    return NumberColumn(name, mean, std, missing, low, high, tuple(far))


def _number_as_list(column: NumberColumn) -> list[Any]:
    ends = [column.low, column.high]
    return [column.name, column.mean, column.std, column.missing, *ends, list(column.sentinels)]


def _column(columns: Columns, name: str) -> NDArray[Any]:
    if name not in columns:
        raise InvalidData(
            f"column {name!r} is missing", given=", ".join(columns), next_step="add the column"
        )
    return columns[name]


def _codes(values: NDArray[Any], column: CategoryColumn) -> NDArray[np.int64]:
    index = {category: code for code, category in enumerate(column.categories, start=1)}
    names = canonical_texts(values, column.name).tolist()
    return np.fromiter(
        (index.get(name, UNKNOWN) for name in names), dtype=np.int64, count=len(names)
    )
