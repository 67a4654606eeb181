"""What the training rows looked like: `baseline.json` of a model package.

The `baseline` step writes it beside training; the drift job compares windows of predictions with
it. Per column: a sketch of all rows, bins cut from it, and the counts in those bins for each
*block* of the training window. Runs of blocks are windows without drift, by definition; how far
they lie apart is what `core.drift` calibrates on. A block is a stretch of time; where rows come in
batches further apart than that (month-end, yearly), a batch is a block.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mizzen.core import bins as binning
from mizzen.core import histogram as sketching
from mizzen.core.bins import Bins
from mizzen.core.histogram import Counts, Sketch, sketch_categories, sketch_numbers
from mizzen.errors import IntegrityError
from mizzen.spec.columns import ColumnKind
from mizzen.spec.duration import to_timedelta
from mizzen.spec.operation import Monitoring

Role = Literal["input", "label", "output"]
OUTPUT = "$output"  # no column of a project can have this name
SCHEMA = 2
BLOCKS = 4  # blocks that make a window of `monitoring.window`, at most
_FEWEST = 2 * BLOCKS  # blocks of a training window: two windows without a common row
_DEALT = 16  # blocks of rows without event time


@dataclass(frozen=True, slots=True)
class ColumnRows:
    """A column's name, what it is to the model, and its values, nulls allowed."""

    name: str
    role: Role
    kind: ColumnKind
    values: NDArray[Any]

    def sketch(self, rows: NDArray[np.intp] | slice = slice(None)) -> Sketch:
        """The sketch of some of the rows."""
        if self.kind == "category":
            return sketch_categories(self.values[rows])
        return sketch_numbers(self.values[rows], self.name)


@dataclass(frozen=True, slots=True, eq=False)
class ColumnBaseline:
    """`blocks`: int64 (blocks, bins + 1); the last entry counts nulls."""

    name: str
    role: Role
    sketch: Sketch
    bins: Bins
    blocks: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """`block_seconds`: length of a block, None where rows have no event time. `batches`: each
    block is a batch of rows, `block_seconds` from the next one. `period`: event times of the
    first and the last training row, since the epoch. `sample`: some training rows by column, for
    reports that show rows."""

    columns: tuple[ColumnBaseline, ...]
    block_seconds: float | None
    monitoring: Monitoring
    task: str
    sample: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    batches: bool = False
    period: tuple[float, float] | None = None

    @property
    def window_blocks(self) -> int:
        """How many blocks make a window of `monitoring.window`."""
        if not self.batches or self.block_seconds is None:
            return BLOCKS
        window = to_timedelta(self.monitoring.window).total_seconds()
        return max(1, min(BLOCKS, round(window / self.block_seconds)))

    @property
    def rows(self) -> int:
        """How many training rows."""
        return int(self.columns[0].blocks.sum())

    def with_columns(self, columns: Sequence[ColumnBaseline]) -> Baseline:
        """The baseline with more columns, such as the model's output."""
        return replace(self, columns=(*self.columns, *columns))

    def to_json(self) -> str:
        """Canonical: equal training rows give equal text."""
        document = {
            "schema": SCHEMA,
            "task": self.task,
            "block_seconds": self.block_seconds,
            "batches": self.batches,
            "period": None if self.period is None else list(self.period),
            "monitoring": self.monitoring.model_dump(mode="json"),
            "columns": [_column_as_dict(column) for column in self.columns],
            "sample": {name: list(values) for name, values in self.sample.items()},
        }
        return json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Baseline:
        """The inverse of `to_json`.

        Raises:
            IntegrityError: not a baseline, or one of another schema.
        """
        try:
            document = json.loads(text)
            if document["schema"] != SCHEMA:
                raise IntegrityError(
                    "baseline of another schema",
                    given=document["schema"],
                    allowed=SCHEMA,
                    next_step="train and register the model again: mizzen run --no-cache",
                )
            columns = tuple(_column_from_dict(entry) for entry in document["columns"])
            monitoring = Monitoring.model_validate(document["monitoring"])
            seconds, task = document["block_seconds"], document["task"]
            sample, batches, period = (document[k] for k in ("sample", "batches", "period"))
            between = None if period is None else (float(period[0]), float(period[1]))
            return cls(columns, seconds, monitoring, task, sample, batches, between)
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                "not a baseline", given=error, next_step="register or fetch the model again"
            ) from None


def make_baseline(
    columns: Sequence[ColumnRows],
    seconds: NDArray[np.float64] | None,
    monitoring: Monitoring,
    task: str,
    sample: Mapping[str, Sequence[Any]],
) -> Baseline:
    """The baseline of training rows.

    Args:
        columns: inputs, then the label; values of equal length.
        seconds: each row's event time, since the epoch; None without event times.
    """
    division = _divide(len(columns[0].values), seconds, monitoring)
    described = tuple(_baseline(column, division.blocks) for column in columns)
    period = None if seconds is None else (float(seconds.min()), float(seconds.max()))
    return Baseline(described, division.seconds, monitoring, task, sample, division.batches, period)


def baseline_columns(
    columns: Sequence[ColumnRows], seconds: NDArray[np.float64] | None, like: Baseline
) -> list[ColumnBaseline]:
    """Baselines of more columns, of other rows (evaluation's), in blocks like `like`'s."""
    if seconds is None or like.block_seconds is None:
        blocks = _dealt(len(columns[0].values))
    elif like.batches:
        blocks = _pieces(seconds, _wanted(like.monitoring))
    else:
        blocks = _cut(seconds, like.block_seconds, fewest=1)
    return [_baseline(column, blocks) for column in columns]


@dataclass(frozen=True, slots=True)
class _Division:
    """Row numbers of each block; see `Baseline`."""

    blocks: Sequence[NDArray[np.intp]]
    seconds: float | None
    batches: bool = False


def _divide(rows: int, seconds: NDArray[np.float64] | None, monitoring: Monitoring) -> _Division:
    """The blocks of training rows.

    Without event times rows are dealt out in turn: blocks then differ by chance alone. A
    training window shorter than two monitoring windows is cut into shorter blocks.
    """
    span = 0.0 if seconds is None else float(seconds.max() - seconds.min())
    if seconds is None or span <= 0:
        return _Division(_dealt(rows), None)
    wanted = _wanted(monitoring)
    pieces = _pieces(seconds, wanted)
    if _are_batches(seconds, pieces, wanted):
        begun = np.array([seconds[piece].min() for piece in pieces])
        return _Division(pieces, float(np.median(np.diff(begun))), batches=True)
    length = min(wanted, span / _FEWEST)
    return _Division(_cut(seconds, length, _FEWEST), length)


def _dealt(rows: int) -> list[NDArray[np.intp]]:
    count = min(_DEALT, rows)
    return [np.arange(first, rows, count) for first in range(count)]


def _wanted(monitoring: Monitoring) -> float:
    """The length of a block where rows come steadily."""
    return to_timedelta(monitoring.window).total_seconds() / BLOCKS


def _pieces(seconds: NDArray[np.float64], gap: float) -> list[NDArray[np.intp]]:
    """Row numbers of each run of rows without a gap longer than `gap`, by time."""
    order = np.argsort(seconds, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(seconds[order]) > gap) + 1)


def _are_batches(
    seconds: NDArray[np.float64], pieces: Sequence[NDArray[np.intp]], longest: float
) -> bool:
    """Whether most rows come in pieces no longer than a block: steady rows with a hole in them
    do not."""
    short = sum(len(piece) for piece in pieces if np.ptp(seconds[piece]) <= longest)
    return len(pieces) > 1 and 2 * short > len(seconds)


def _cut(seconds: NDArray[np.float64], length: float, fewest: int) -> list[NDArray[np.intp]]:
    """Row numbers by block; what is left at the end belongs to the last block."""
    age = seconds - seconds.min()
    count = max(fewest, int(age.max() / length + 1e-9))
    block = np.minimum((age / length).astype(np.int64), count - 1)
    order = np.argsort(block, kind="stable")
    starts = np.searchsorted(block[order], np.arange(1, count))
    return np.split(order, starts)


def _baseline(column: ColumnRows, blocks: Sequence[NDArray[np.intp]]) -> ColumnBaseline:
    sketches = [column.sketch(rows) for rows in blocks]
    whole = reduce(lambda one, two: one.merge(two), sketches)  # type: ignore[arg-type]
    bins = binning.bins_of(whole)
    counts = np.stack([binning.count(bins, sketch) for sketch in sketches])
    return ColumnBaseline(column.name, column.role, whole, bins, counts)


def _column_as_dict(column: ColumnBaseline) -> dict[str, Any]:
    return {
        "name": column.name,
        "role": column.role,
        "sketch": column.sketch.as_dict(),
        "bins": binning.as_dict(column.bins),
        "blocks": column.blocks.tolist(),
    }


def _column_from_dict(document: Mapping[str, Any]) -> ColumnBaseline:
    return ColumnBaseline(
        document["name"],
        document["role"],
        sketching.from_dict(document["sketch"]),
        binning.from_dict(document["bins"]),
        np.array(document["blocks"], dtype=np.int64),
    )
