"""May a candidate replace the champion? The judge of every training run; a pure function.

The rules, in the order in which they are asked:

1. `not_a_number`: the candidate's primary metric is not a number. Held.
2. `no_champion`: nobody to compare with. Blessed, unless it is worse than `gate.floor`.
3. `champion_cannot_be_loaded`: it exists and cannot answer these rows. Held: a broken package
   must not be a way around the comparison. One exception: the project's description has
   changed so that the champion's inputs are gone (`Unusable.outgrown`). No later run could be
   compared either, so `gate.floor` decides, where it is declared.
4. `margin`: the lower bound of the paired difference must exceed `gate.margin`.
5. `no_harm`: no slice with enough rows may be worse by more than the tolerance, as measured
   and beyond chance (its interval lies below 0): of many slices some are a little worse by luck.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mizzen.core.bootstrap import Comparison
from mizzen.core.metrics import Metric
from mizzen.spec.training import Gate


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """Both models on the rows where `column` is `value`."""

    column: str
    value: str
    rows: int
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Rival:
    """A champion that answered the same rows as the candidate."""

    version: int
    comparison: Comparison
    slices: Sequence[SliceComparison] = ()


@dataclass(frozen=True, slots=True)
class Unusable:
    """A champion that cannot answer these rows. `outgrown`: because the project no longer has
    what it needs, and not because its package is damaged."""

    version: int
    why: str
    outgrown: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` names what decided; `reason` is one sentence for people."""

    blessed: bool
    rule: str
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)


def judge(
    metric: Metric, candidate: float, champion: Rival | Unusable | None, gate: Gate
) -> Verdict:
    """The verdict on a candidate.

    Args:
        metric: the primary metric.
        candidate: the candidate's value of it on the held-out rows.
        champion: who holds the place now; None when nobody does.
        gate: what the project demands.
    """
    if not math.isfinite(candidate):
        return _held("not_a_number", f"held: {metric.name} of the candidate is not a number")
    if champion is None:
        return _against_floor(metric, candidate, gate, "no_champion", "there is no champion yet")
    if isinstance(champion, Unusable):
        return _without_rival(metric, candidate, champion, gate)
    return _against(metric, champion, gate)


def _against_floor(
    metric: Metric, candidate: float, gate: Gate, rule: str, because: str
) -> Verdict:
    details = {"candidate": candidate, "floor": gate.floor}
    value = f"{metric.name} is {candidate:.4f}"
    if gate.floor is None:
        return Verdict(True, rule, f"blessed: {because}; {value} and no floor is set", details)
    worst = f"{'at least' if metric.higher else 'at most'} {gate.floor:.4f}"
    if metric.gain(candidate, gate.floor) < 0:
        return Verdict(False, rule, f"held: {because}, and {value}; needed: {worst}", details)
    return Verdict(True, rule, f"blessed: {because}, and {value}; needed: {worst}", details)


def _without_rival(metric: Metric, candidate: float, champion: Unusable, gate: Gate) -> Verdict:
    rule = "champion_cannot_be_loaded"
    fault = f"version {champion.version} cannot be compared with ({champion.why})"
    if champion.outgrown and gate.floor is not None:
        return _against_floor(metric, candidate, gate, rule, fault)
    way = "declare gate.floor, or promote" if champion.outgrown else "mend it, or promote"
    return _held(rule, f"held: {fault}; {way} another version by hand")


def _against(metric: Metric, champion: Rival, gate: Gate) -> Verdict:
    gain = champion.comparison.gain
    details: dict[str, Any] = {
        "candidate": champion.comparison.candidate.value,
        "champion": champion.comparison.champion.value,
        "champion_version": champion.version,
        "gain": gain.value,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "margin": gate.margin,
    }
    if not all(math.isfinite(number) for number in (gain.value, gain.low)):
        reason = f"held: {metric.name} of version {champion.version} or the difference to it"
        return Verdict(False, "not_a_number", f"{reason} is not a number on these rows", details)
    summary = _summary(metric, champion)
    if gain.low <= gate.margin:
        needed = f"needed: more than {gate.margin:.4f}"
        return Verdict(False, "margin", f"held: {summary}; {needed}", details)
    harmed = [part for part in champion.slices if _harms(part, gate)]
    if harmed:
        named = ", ".join(f"{p.column}={p.value} by {-_gain(p):.4f}" for p in harmed)
        details["harmed"] = [f"{part.column}={part.value}" for part in harmed]
        reason = f"held: {summary}, but worse where {named}"
        allowed = f"allowed: {gate.no_harm.tolerance:.4f}"
        return Verdict(False, "no_harm", f"{reason}; {allowed}", details)
    return Verdict(True, "better", f"blessed: {summary}; no slice is harmed", details)


def _summary(metric: Metric, champion: Rival) -> str:
    new, old = champion.comparison.candidate.value, champion.comparison.champion.value
    gain = champion.comparison.gain
    return (
        f"{metric.name} is {new:.4f} against {old:.4f} of version {champion.version}, "
        f"{'better' if gain.value >= 0 else 'worse'} by {abs(gain.value):.4f} "
        f"(lower bound {gain.low:+.4f})"
    )


def _harms(part: SliceComparison, gate: Gate) -> bool:
    gain = part.comparison.gain
    counted = part.rows >= gate.no_harm.min_rows and math.isfinite(gain.value)
    return counted and gain.value < -gate.no_harm.tolerance and not gain.high >= 0


def _gain(part: SliceComparison) -> float:
    return part.comparison.gain.value


def _held(rule: str, reason: str) -> Verdict:
    return Verdict(False, rule, reason)
