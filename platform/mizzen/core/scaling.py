"""Numbers for networks: centred, scaled by what is ordinary, and squeezed where they are not.

Trees take raw values and need none of this. A network takes float32 near 0, and one sentinel such
as 999999999 must not push all ordinary values into the last digit: mean and deviation are those
of the ordinary values, and what lies further than `LIMIT` deviations away is squeezed into
`LIMIT` to `2 * LIMIT`, in order. Fitted on sorted values, so that the order of rows changes no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LIMIT = 10.0  # deviations; beyond them a scaled value grows slower, and never beyond twice as far
NOISE = 8 * float(np.finfo(np.float64).eps)  # relative; a spread below it is rounding
_FENCE = 30.0  # median deviations from the median; normal values end at 10
_REPEATS = 0.005  # a value behind the fence with this share of the rows is a sentinel
_FEWEST = 10  # rows that make a sentinel, at least
_RARE = 0.1  # other values behind the fence, when they are more, are a mode of their own
_GREATEST, _LEAST = float(np.finfo(np.float64).max), 5e-324
_CHUNK = 4096  # rows scaled at once: they stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the values of a column lie.

    `mean`, `std`: of the ordinary values; a constant column has its value and its size (1 for 0).
    `low`, `high`: least and greatest value, sentinels left out. `sentinels`: far values that
    repeat, ascending. `outliers`: rows with a far value that does not.
    """

    mean: float
    std: float
    low: float
    high: float
    sentinels: tuple[float, ...]
    outliers: int

    @property
    def constant(self) -> bool:
        """Whether float64 tells the values apart by no more than rounding."""
        return _is_noise(self.low, self.high)


def spread_of(known: Floats) -> Spread:
    """The spread of at least one finite value, in any order."""
    values = np.sort(known + 0.0)  # one zero, not two
    far = _far(values)
    ordinary, sentinels = values[~far], _sentinels(values, far)
    tail = values[far & ~np.isin(values, sentinels)] if far.any() else values[:0]
    if len(tail) > _RARE * len(values):
        ordinary, tail = np.sort(np.concatenate([ordinary, tail])), values[:0]
    mean, std = moments(ordinary)
    ends = (*ordinary[[0, -1]].tolist(), *tail[:1].tolist(), *tail[-1:].tolist())
    return Spread(mean, std, min(ends), max(ends), tuple(sentinels.tolist()), len(tail))


def moments(values: Floats) -> tuple[float, float]:
    """Mean and deviation of sorted finite values of any size: neither overflows, and no spread
    that float64 can tell becomes 0. Without a spread: a value, and its size (1 for 0)."""
    low, high = float(values[0]), float(values[-1])
    if _is_noise(low, high):
        middle = float(values[(len(values) - 1) // 2])
        return middle, abs(middle) or 1.0
    exponent = int(np.frexp(max(abs(low), abs(high)))[1])
    unit = np.ldexp(values, -exponent)  # exact: another power of two
    mean = float(unit.mean())
    apart = unit - mean
    widest = float(np.abs(apart).max())
    std = widest * float(np.sqrt(np.mean((apart / widest) ** 2)))
    scale = float(np.clip(np.ldexp(std, exponent), _LEAST, _GREATEST))
    return float(np.clip(np.ldexp(mean, exponent), -_GREATEST, _GREATEST)), scale


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """The fitted scaling of all number columns. `half` is 0.5 where a difference of two values
    could overflow, else 1; `mean` and `std` are multiplied by it."""

    mean: Floats
    std: Floats
    half: Floats | None

    @classmethod
    def of(cls, mean: Sequence[float], std: Sequence[float]) -> Scaling:
        """From the columns' means and deviations."""
        means, stds = np.array(mean, dtype=np.float64), np.array(std, dtype=np.float64)
        half = np.where(np.maximum(np.abs(means), stds) > _GREATEST / 1000, 0.5, 1.0)
        plain = bool((half == 1.0).all())
        return cls(means * half, stds * half, None if plain else half)

    def apply(self, raw: Floats) -> NDArray[np.float32]:
        """Raw values (rows, columns) -> scaled ones, NaN where they are; finite otherwise."""
        with np.errstate(over="ignore"):
            if len(raw) <= _CHUNK:
                return self._part(raw).astype(np.float32)
            scaled = np.empty(raw.shape, dtype=np.float32)
            for first in range(0, len(raw), _CHUNK):
                scaled[first : first + _CHUNK] = self._part(raw[first : first + _CHUNK])
        return scaled

    def _part(self, raw: Floats) -> Floats:
        values: Floats = raw - self.mean if self.half is None else raw * self.half - self.mean
        values /= self.std
        size = np.abs(values)
        far = size > LIMIT
        if far.any():
            values[far] = np.copysign(LIMIT * (2.0 - LIMIT / size[far]), values[far])
        return values


def _is_noise(low: float, high: float) -> bool:
    return high / 2 - low / 2 <= NOISE / 2 * max(abs(low), abs(high))


def _far(values: Floats) -> NDArray[np.bool_]:
    """Of sorted values, those behind the fence: many median deviations from the median."""
    middle = values[(len(values) - 1) // 2]
    with np.errstate(over="ignore"):
        apart = np.abs(values - middle)
        apart[apart <= NOISE * abs(middle)] = 0.0
        typical = _median(apart)
        if typical == 0:  # more than half the values are one: look at the others
            typical = _median(apart[apart > 0])
        return np.asarray(apart > _FENCE * typical)


def _median(values: Floats) -> float:
    """A value of the middle, 0 of none; no mean of two, so that no order of rows matters."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle]) if len(values) else 0.0


def _sentinels(values: Floats, far: NDArray[np.bool_]) -> Floats:
    found, counts = np.unique(values[far], return_counts=True)
    sentinels: Floats = found[counts >= max(_FEWEST, _REPEATS * len(values))]
    return sentinels
