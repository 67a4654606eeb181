"""Few bins per column, cut where the training rows lie; drift is measured between their counts.

Made once from the training rows' sketch and kept in the baseline; `count` turns any sketch of the
column into comparable counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.histogram import CategorySketch, Counts, NumberSketch, Sketch

NUMBERS = 10  # quantile bins of a number; two more hold what lies outside training
NAMES = 19  # most frequent categories; the rest, known or new, is one bin more
_HEAVY = 0.05  # a bucket with this share of the rows is a value of its own


@dataclass(frozen=True, slots=True)
class NumberBins:
    """Bin i holds `edges[i-1] <= value < edges[i]`."""

    edges: tuple[float, ...]

    def count(self, sketch: Sketch) -> Counts:
        """Rows per bin; exact, unless the sketch is coarser than the one that made the bins."""
        if not isinstance(sketch, NumberSketch):
            raise TypeError("bins of numbers cannot count names")
        at = np.searchsorted(np.array(self.edges), sketch.floors(), side="right")
        weights = np.zeros(len(self.edges) + 1, dtype=np.int64)
        np.add.at(weights, at, sketch.counts)
        return weights


@dataclass(frozen=True, slots=True)
class CategoryBins:
    """One bin per name, then one for everything else. `grouped`: the names are hash groups."""

    names: tuple[str, ...]
    grouped: bool

    def count(self, sketch: Sketch) -> Counts:
        """Rows per bin."""
        if not isinstance(sketch, CategorySketch):
            raise TypeError("bins of names cannot count numbers")
        counts = sketch.in_groups() if self.grouped else sketch.counts
        named = [counts.get(name, 0) for name in self.names]
        return np.array([*named, sketch.rows - sum(named)], dtype=np.int64)


Bins = NumberBins | CategoryBins


def bins_of(sketch: Sketch) -> Bins:
    """The bins of a column, from the sketch of all its training rows."""
    if isinstance(sketch, NumberSketch):
        return NumberBins(_edges(sketch))
    frequent = sorted(sketch.counts, key=lambda name: (-sketch.counts[name], name))[:NAMES]
    return CategoryBins(tuple(frequent), sketch.grouped)


def count(bins: Bins, sketch: Sketch) -> Counts:
    """Rows per bin, and nulls as the last entry."""
    return np.append(bins.count(sketch), sketch.nulls)


def as_dict(bins: Bins) -> dict[str, Any]:
    """JSON-ready and canonical."""
    if isinstance(bins, NumberBins):
        return {"edges": list(bins.edges)}
    return {"names": list(bins.names), "grouped": bins.grouped}


def from_dict(document: Mapping[str, Any]) -> Bins:
    """The inverse of `as_dict`."""
    if "edges" in document:
        return NumberBins(tuple(document["edges"]))
    return CategoryBins(tuple(document["names"]), document["grouped"])


def _edges(sketch: NumberSketch) -> tuple[float, ...]:
    """Quantiles, with a cut below the least and above the greatest training row: what lies
    outside, such as another unit, is unlike every season."""
    if sketch.rows == 0:
        return ()
    floors, total = sketch.floors(), sketch.rows
    reached = np.cumsum(sketch.counts)
    at: NDArray[np.intp] = np.searchsorted(reached, np.arange(1, NUMBERS) * total / NUMBERS)
    heavy = at[sketch.counts[at] >= _HEAVY * total]
    cuts = np.union1d(at, heavy + 1)  # a heavy value is cut off from what lies above it
    inner = floors[cuts[(cuts > 0) & (cuts < len(floors))]]
    edges = np.concatenate([floors[:1], inner, [sketch.ceiling()]])
    return tuple(edges[np.isfinite(edges)].tolist())
