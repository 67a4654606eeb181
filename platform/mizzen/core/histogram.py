"""Small summaries of a column that add up: `merge(sketch(a), sketch(b)) == sketch(a + b)`.

The baseline of the training rows is made of them, and so is that of a window of predictions.
They are exact in that law: parts may be sketched anywhere, merged in any order, and equal rows
give equal bytes. (KLL sketches draw random numbers that cannot be seeded from Python, and
t-digests depend on the order of merging and blur repeated values; docs/explanation/drift.md.)
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.canonical import canonical_text
from mizzen.core.encoding import as_float

BUCKETS = 1024  # of a number sketch, at most; also the names of a category sketch
_SIGN = np.uint64(1 << 63)

Codes = NDArray[np.uint64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class NumberSketch:
    """Counts of the 64-bit patterns of the values, cut to their leading `64 - shift` bits.

    Patterns are taken in an order that is the numbers' own, so a bucket is an interval and
    equal values are never parted. `shift` is the least that leaves at most `BUCKETS` buckets:
    it depends on the values alone, not on how they were divided.
    """

    shift: int
    codes: Codes
    counts: Counts
    nulls: int

    @property
    def rows(self) -> int:
        """How many values, nulls left out."""
        return int(self.counts.sum())

    def floors(self) -> NDArray[np.float64]:
        """The least number of each bucket, ascending."""
        return _floors(self.codes, self.shift)

    def ceiling(self) -> float:
        """The least number above all buckets; not finite where there is none."""
        return float(_floors(self.codes[-1:] + np.uint64(1), self.shift)[0])

    def merge(self, other: NumberSketch) -> NumberSketch:
        """The sketch of both sets of rows."""
        shift = max(self.shift, other.shift)
        codes = np.concatenate([s.codes >> np.uint64(shift - s.shift) for s in (self, other)])
        counts = np.concatenate([self.counts, other.counts])
        order = np.argsort(codes, kind="stable")
        return _fit(shift, codes[order], counts[order], self.nulls + other.nulls)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready and canonical: the first code, then the gaps between codes."""
        first, gaps = self.codes[:1].tolist(), np.diff(self.codes).tolist()
        return {
            "kind": "number",
            "shift": self.shift,
            "codes": first + gaps,
            "counts": self.counts.tolist(),
            "nulls": self.nulls,
        }


@dataclass(frozen=True, slots=True, eq=False)
class CategorySketch:
    """Counts by name; with more than `BUCKETS` names by 256 groups of a stable hash, which are
    written `#0` to `#255`."""

    counts: Mapping[str, int]
    grouped: bool
    nulls: int

    @property
    def rows(self) -> int:
        """How many values, nulls left out."""
        return sum(self.counts.values())

    def merge(self, other: CategorySketch) -> CategorySketch:
        """The sketch of both sets of rows."""
        grouped = self.grouped or other.grouped
        both = Counter(self.in_groups() if grouped else self.counts)
        both.update(other.in_groups() if grouped else other.counts)
        return _named(both, grouped, self.nulls + other.nulls)

    def in_groups(self) -> Mapping[str, int]:
        """The counts by group, whatever they are kept by."""
        return self.counts if self.grouped else _by_group(self.counts)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready and canonical."""
        return {
            "kind": "category",
            "grouped": self.grouped,
            "counts": dict(sorted(self.counts.items())),
            "nulls": self.nulls,
        }


Sketch = NumberSketch | CategorySketch


def sketch_numbers(values: NDArray[Any], name: str) -> NumberSketch:
    """A column of numbers, nulls allowed.

    Raises:
        InvalidData: something that is no number.
    """
    floats = as_float(values, name)
    known = floats[~np.isnan(floats)] + 0.0  # one zero, not two
    bits = known.view(np.uint64)
    patterns = np.where(bits >= _SIGN, ~bits, bits ^ _SIGN)
    codes, counts = np.unique(patterns, return_counts=True)
    return _fit(0, codes, counts.astype(np.int64), len(floats) - len(known))


def sketch_categories(values: NDArray[Any]) -> CategorySketch:
    """A column of names or classes, nulls allowed."""
    named: Counter[str] = Counter()
    nulls = 0
    for value, count in Counter(values.tolist()).items():
        name = canonical_text(value)
        if name is None:
            nulls += count
        else:
            named[name] += count
    return _named(named, False, nulls)


def from_dict(document: Mapping[str, Any]) -> Sketch:
    """The inverse of `as_dict`."""
    if document["kind"] == "category":
        return CategorySketch(document["counts"], document["grouped"], document["nulls"])
    codes = np.cumsum(np.array(document["codes"], dtype=np.uint64), dtype=np.uint64)
    counts = np.array(document["counts"], dtype=np.int64)
    return NumberSketch(document["shift"], codes, counts, document["nulls"])


def _floors(codes: Codes, shift: int) -> NDArray[np.float64]:
    patterns = codes << np.uint64(shift)
    bits = np.where(patterns >= _SIGN, patterns ^ _SIGN, ~patterns)
    return bits.view(np.float64)


def _fit(shift: int, codes: Codes, counts: Counts, nulls: int) -> NumberSketch:
    """Shift sorted codes further until they fall into few enough buckets, and add them up."""
    low, high = 0, 64 - shift
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _distinct(codes, middle) <= BUCKETS else (middle + 1, high)
    cut = codes >> np.uint64(low)
    starts = np.flatnonzero(np.diff(cut, prepend=~cut[:1]))
    sums = np.add.reduceat(counts, starts) if len(starts) else counts
    return NumberSketch(shift + low, cut[starts], sums, nulls)


def _distinct(codes: Codes, shift: int) -> int:
    cut = codes >> np.uint64(min(shift, 63))
    return int(np.count_nonzero(np.diff(cut))) + (len(cut) > 0)


def _named(counts: Mapping[str, int], grouped: bool, nulls: int) -> CategorySketch:
    if not grouped and len(counts) > BUCKETS:
        return CategorySketch(_by_group(counts), True, nulls)
    return CategorySketch(dict(counts), grouped, nulls)


def _by_group(counts: Mapping[str, int]) -> Mapping[str, int]:
    groups: Counter[str] = Counter()
    for name, count in counts.items():
        digest = hashlib.blake2b(name.encode(), digest_size=1).digest()
        groups[f"#{digest[0]}"] += count
    return dict(groups)
