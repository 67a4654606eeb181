"""Whether a window of predictions looks unlike every window of the training rows.

The drift job asks. Distance is the population stability index (PSI) between the window and the
training window that is *nearest* to it, column by column. Its threshold has two parts:

- what chance makes of so many rows: under no drift PSI / (1/n + 1/m) follows a chi-square law,
  taken at `false_alarm` divided by the number of measures (Bonferroni);
- what the seasons of the training window make: how far its windows lie from their own nearest
  neighbour, and how far blocks of days say that two windows lie apart; `SEASONS` times the larger.

docs/explanation/drift.md gives the measurements behind each choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mizzen.core import bins as binning
from mizzen.core.baseline import Baseline, ColumnBaseline, Role
from mizzen.core.histogram import Counts, Sketch

SEASONS = 3.0
NEGLIGIBLE = 0.02  # PSI; a class share of 0.24 that becomes 0.30
MISSING = 0.02  # a change of the share of nulls below it counts as none
Floats = NDArray[np.float64]
Measure = Literal["distribution", "missing"]


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One measure of one column: PSI to the nearest training window, and its threshold."""

    column: str
    role: Role
    measure: Measure
    score: float
    threshold: float
    rows: int

    @property
    def beyond(self) -> bool:
        """Whether the column moved further than chance and seasons explain."""
        return self.score > self.threshold


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """`judged`: false where the window is too small or too short to say anything. Outputs are
    measured and shown; only inputs and the label raise the alarm."""

    alarm: bool
    judged: bool
    reason: str
    rows: int
    columns: tuple[ColumnDrift, ...] = ()

    @property
    def beyond(self) -> tuple[ColumnDrift, ...]:
        """What raised the alarm, the furthest first."""
        moved = [c for c in self.columns if c.beyond and c.role != "output"]
        return tuple(sorted(moved, key=lambda c: c.threshold / c.score))


def judge(
    baseline: Baseline,
    current: Mapping[str, Sketch],
    rows: int,
    seconds: float | None,
    spread: float | None = None,
) -> DriftVerdict:
    """The verdict on one window.

    Args:
        current: column -> sketch of the window's rows; a column that is not there is not judged.
        rows: how many predictions the window holds.
        seconds: the window's length, which decides whether it is judged; None without event
            times.
        spread: from its first row to its last. Rows that share a time are compared with
            training windows as short as theirs, which differ more; `seconds` when absent.
    """
    covered = _blocks_in(baseline, seconds)
    refusal = _refusal(baseline, rows, covered)
    if refusal is not None:
        return DriftVerdict(False, False, refusal, rows)
    blocks = covered if spread is None else max(1, min(covered, _blocks_in(baseline, spread)))
    tests = [column for column in baseline.columns if column.role != "output"]
    level = baseline.monitoring.false_alarm / (2 * len(tests))
    columns = tuple(
        drift
        for column in baseline.columns
        if column.name in current and _enough(baseline, column, current[column.name])
        for drift in _measure(column, current[column.name], blocks, level)
    )
    verdict = DriftVerdict(False, True, "", rows, columns)
    beyond = verdict.beyond
    return DriftVerdict(bool(beyond), True, _reason(beyond, columns), rows, columns)


def psi(one: Floats | Counts, two: Floats | Counts) -> Floats:
    """Population stability index of counts (..., bins). Half a row is added to each bin, which
    keeps empty bins finite and the chi-square law close down to 50 rows."""
    width = one.shape[-1]
    p = (one + 0.5) / (one.sum(-1, keepdims=True) + 0.5 * width)
    q = (two + 0.5) / (two.sum(-1, keepdims=True) + 0.5 * width)
    total: Floats = ((p - q) * np.log(p / q)).sum(-1)
    return total


def chance(bins: int, level: float) -> float:
    """The chi-square quantile with `bins - 1` degrees of freedom that chance exceeds with
    probability `level` (Wilson and Hilferty)."""
    degrees = bins - 1
    if degrees < 1:
        return 0.0
    spread = 2 / (9 * degrees)
    normal = NormalDist().inv_cdf(1 - level)
    return degrees * math.pow(1 - spread + normal * math.sqrt(spread), 3)


def season(blocks: Counts, window: int) -> float:
    """The PSI by which two windows of `window` blocks without drift may differ for other
    reasons than chance, from counts (blocks, bins)."""
    windows = _windows(blocks, window)
    apart = np.abs(np.subtract.outer(*[np.arange(len(windows))] * 2)) >= window
    between = np.where(apart, _excess(windows[:, None], windows[None, :]), np.inf)
    nearest = between.min(1)
    observed = float(nearest[np.isfinite(nearest)].max(initial=0.0))
    if window == 1:  # each block is a window: there are as many as can be
        return SEASONS * max(0.0, observed)
    # windows of independent blocks differ by twice a block's variance over their number
    expected = 2 * float(_excess(blocks, blocks.sum(0)).mean()) / window
    return SEASONS * max(0.0, expected, observed)


def _measure(
    column: ColumnBaseline, sketch: Sketch, blocks: int, level: float
) -> Iterator[ColumnDrift]:
    counted = binning.count(column.bins, sketch)
    known, nulls = column.blocks[:, :-1], column.blocks[:, -1]
    score, threshold = _nearest(known, counted[:-1], blocks, level)
    yield ColumnDrift(column.name, column.role, "distribution", score, threshold, sketch.rows)
    if column.role != "input":
        return
    shares = np.stack([nulls, known.sum(1)], axis=1)
    missing = np.array([counted[-1], sketch.rows])
    score, threshold = _nearest(shares, missing, blocks, level)
    if abs(missing[0] / missing.sum() - nulls.sum() / column.blocks.sum()) < MISSING:
        score = 0.0
    yield ColumnDrift(column.name, column.role, "missing", score, threshold, int(missing.sum()))


def _nearest(blocks: Counts, counts: Counts, window: int, level: float) -> tuple[float, float]:
    """Score and threshold against the training window, or all of training, that is nearest."""
    filled = blocks[blocks.sum(1) > 0]
    rows = int(counts.sum())
    if rows == 0 or len(filled) == 0:
        return 0.0, NEGLIGIBLE
    near = np.vstack([_windows(filled, window), filled.sum(0)])
    noise = chance(counts.shape[0], level) * (1 / rows + 1 / near.sum(1))
    thresholds = np.maximum(noise + season(filled, window), NEGLIGIBLE)
    scores = psi(near, counts)
    best = int(np.argmin(scores / thresholds))
    return float(scores[best]), float(thresholds[best])


def _windows(blocks: Counts, window: int) -> Counts:
    """Counts of every run of `window` blocks, (blocks - window + 1, bins)."""
    width = min(window, len(blocks))
    windows: Counts = np.lib.stride_tricks.sliding_window_view(blocks, width, axis=0).sum(-1)
    return windows


def _excess(one: Counts, two: Counts) -> Floats:
    """PSI without the part that chance is expected to add."""
    degrees = one.shape[-1] - 1
    noise: Floats = degrees * (1 / np.maximum(one.sum(-1), 1) + 1 / np.maximum(two.sum(-1), 1))
    return psi(one, two) - noise


def _blocks_in(baseline: Baseline, seconds: float | None) -> int:
    """How many blocks so much time makes, those of a window at most."""
    if seconds is None or baseline.block_seconds is None:
        return baseline.window_blocks
    # a month of 28 days is four blocks of 7.5; n batches lie n - 1 distances apart
    count = int(seconds / baseline.block_seconds + 0.3) + baseline.batches
    return min(baseline.window_blocks, count)


def _refusal(baseline: Baseline, rows: int, blocks: int) -> str | None:
    if rows < baseline.monitoring.min_rows:
        return f"{rows} rows; monitoring.min_rows is {baseline.monitoring.min_rows}"
    fewest = max(1, baseline.window_blocks // 2)  # days differ more than months do
    if blocks < fewest:
        days = fewest * (baseline.block_seconds or 0) / 86_400
        return f"the window spans too little to know its seasons; {days:.1f} days are needed"
    return None


def _enough(baseline: Baseline, column: ColumnBaseline, sketch: Sketch) -> bool:
    """Labels arrive late; a few early ones are no sample of the window."""
    return column.role == "input" or sketch.rows >= baseline.monitoring.min_rows


def _reason(beyond: tuple[ColumnDrift, ...], columns: tuple[ColumnDrift, ...]) -> str:
    judged = sum(column.role != "output" for column in columns)
    if not beyond:
        return f"none of {judged} measures is beyond its threshold"
    shown = ", ".join(
        f"{c.column}{' missing' if c.measure == 'missing' else ''} "
        f"{c.score:.3f} > {c.threshold:.3f}"
        for c in beyond[:5]
    )
    more = f" and {len(beyond) - 5} more" if len(beyond) > 5 else ""
    return f"{len(beyond)} of {judged} measures beyond their thresholds: {shown}{more}"
