"""From rows to numbers, learnt on training rows only. Plain numpy and JSON, no pickle.

Preprocessing fits an `Encoder`; training, evaluation and serving use the same one, so that a
served row is encoded exactly as a training row was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.errors import InvalidData

Columns = Mapping[str, NDArray[Any]]
UNKNOWN = 0  # the code of a category that training never saw, and of null


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Scaled to mean 0 and deviation 1; `missing` tells whether training saw nulls."""

    name: str
    mean: float
    std: float
    missing: bool


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """Code 0 is unknown or null; the known categories follow from 1, sorted."""

    name: str
    categories: tuple[str, ...]


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


@dataclass(frozen=True, slots=True)
class Encoded:
    """`numbers`: float32 (rows, p) scaled, NaN where null. `codes`: int64 (rows, q)."""

    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Encoded:
        """Some of the rows, in the given order."""
        return Encoded(self.numbers[rows], self.codes[rows])


@dataclass(frozen=True, slots=True)
class Encoder:
    """The fitted encoding of a model's inputs, and of its classes."""

    numbers: tuple[NumberColumn, ...]
    categories: tuple[CategoryColumn, ...]
    classes: tuple[str, ...] = ()

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

    def encode(self, columns: Columns) -> Encoded:
        """Rows as arrays of equal length per column -> scaled numbers and codes.

        Raises:
            InvalidData: a column is missing or does not hold numbers.
        """
        rows = len(columns[self.columns[0]]) if self.columns[0] in columns else 0
        numbers = np.empty((rows, len(self.numbers)), dtype=np.float32)
        for index, number in enumerate(self.numbers):
            values = as_float(_column(columns, number.name), number.name)
            numbers[:, index] = (values - number.mean) / number.std
        codes = np.empty((rows, len(self.categories)), dtype=np.int64)
        for index, category in enumerate(self.categories):
            codes[:, index] = _codes(_column(columns, category.name), category.categories)
        return Encoded(numbers, codes)

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
            "numbers": [[c.name, c.mean, c.std, c.missing] for c in self.numbers],
            "categories": [[c.name, list(c.categories)] for c in self.categories],
            "classes": list(self.classes),
        }
        return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Encoder:
        """The inverse of `to_json`."""
        document = json.loads(text)
        return cls(
            tuple(NumberColumn(*row) for row in document["numbers"]),
            tuple(CategoryColumn(name, tuple(known)) for name, known in document["categories"]),
            tuple(document["classes"]),
        )


def fit_number(name: str, values: NDArray[Any]) -> NumberColumn:
    """Mean and deviation of the non-null training values; a constant column keeps scale 1."""
    floats = as_float(values, name)
    known = floats[~np.isnan(floats)]
    if len(known) == 0:
        raise InvalidData(
            f"feature {name!r} is null in every training row",
            next_step="mend the source, widen the window, or remove the feature",
        )
    std = float(known.std())
    return NumberColumn(
        name, float(known.mean()), std if std > 0 else 1.0, len(known) < len(floats)
    )


def fit_category(name: str, values: NDArray[Any]) -> CategoryColumn:
    """The sorted distinct non-null training values."""
    known = {category_name(value) for value in values.tolist() if not is_null(value)}
    return CategoryColumn(name, tuple(sorted(known)))


def category_name(value: Any) -> str:
    """The text that stands for a category or a class. Integral floats lose their `.0` and
    booleans are `0` and `1`: a null in a column changes its type, and must not change this."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    return str(value)


def as_float(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Numbers, booleans and nulls as float64 with NaN; anything else is an error."""
    try:
        if values.dtype == object:
            values = np.array([np.nan if is_null(v) else v for v in values.tolist()])
        if values.dtype.kind not in "biuf":
            raise ValueError(f"dtype {values.dtype}")
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidData(
            f"feature {name!r} must hold numbers",
            given=error,
            next_step="mend the source, or declare the feature with `kind: category`",
        ) from None


def _column(columns: Columns, name: str) -> NDArray[Any]:
    if name not in columns:
        raise InvalidData(
            f"column {name!r} is missing", given=", ".join(columns), next_step="add the column"
        )
    return columns[name]


def _codes(values: NDArray[Any], known: Sequence[str]) -> NDArray[np.int64]:
    index = {category: code for code, category in enumerate(known, start=1)}
    return np.fromiter(
        (UNKNOWN if is_null(v) else index.get(category_name(v), UNKNOWN) for v in values.tolist()),
        dtype=np.int64,
        count=len(values),
    )


def is_null(value: Any) -> bool:
    """None, NaN, NaT or pandas' NA."""
    return value is None or value != value or type(value).__name__ == "NAType"  # noqa: PLR0124
