"""May a candidate replace the champion? The judge of every training run; a pure function.

The rules, in the order in which they are asked:

1. `not_a_number`: the candidate's primary metric cannot be computed; the reason says why. Held.
2. `no_champion`: nobody to compare with. Blessed, unless it is worse than `gate.floor`.
3. `same_model`: the candidate is the champion, under another evaluation. Nothing to judge.
4. `champion_cannot_be_compared`: it exists and cannot answer these rows. Held for a person: no
   floor replaces a model that serves. The candidate is registered, so that a person may force it.
5. `margin`: the lower bound of the paired difference must exceed `gate.margin`.
6. `no_harm`: no slice with enough rows may be worse by more than the tolerance, as measured
   and beyond chance (its interval lies below 0): of many slices some are a little worse by luck.

A champion that was trained on some of the rows answers them too well. The verdict says on which
rows it was given, and what that means (`Footing`).
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
class Footing:
    """Which of the compared rows the champion was trained on.

    `left_out`: rows that were not compared, because it was. `seen` of `rows`: it was, and there
    were too few others; its metric is `on_seen` there and `on_unseen` on the rest, NaN where
    there is none. `known`: whether the champion says what it was trained on.
    """

    rows: int
    seen: int = 0
    left_out: int = 0
    on_seen: float = float("nan")
    on_unseen: float = float("nan")
    known: bool = True


@dataclass(frozen=True, slots=True)
class ChampionComparison:
    """A champion that answered the same rows as the candidate."""

    version: int
    comparison: Comparison
    slices: Sequence[SliceComparison] = ()
    footing: Footing | None = None


@dataclass(frozen=True, slots=True)
class IncomparableChampion:
    """A champion that cannot answer these rows."""

    version: int
    why: str


@dataclass(frozen=True, slots=True)
class Same:
    """The champion is the very model that is judged."""

    version: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` names what decided; `reason` is one sentence for people."""

    blessed: bool
    rule: str
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def registrable(self) -> bool:
        """Whether the candidate becomes a version: blessed, or held for a person to decide."""
        return self.blessed or self.rule == INCOMPARABLE


INCOMPARABLE = "champion_cannot_be_compared"
Champion = ChampionComparison | IncomparableChampion | Same


def judge(
    metric: Metric, candidate: float, champion: Champion | None, gate: Gate, why: str | None = None
) -> Verdict:
    """The verdict on a candidate.

    Args:
        metric: the primary metric.
        candidate: the candidate's value of it on the held-out rows.
        champion: who holds the place now; None when nobody does.
        gate: what the project demands.
        why: the reason for which the metric, or its interval, cannot be computed.
    """
    if isinstance(champion, Same):
        return Verdict(True, "same_model", f"same model as version {champion.version}")
    if not math.isfinite(candidate):
        fault = f"held: {metric.name} of the candidate cannot be computed"
        return _held("not_a_number", f"{fault}: {why or 'it is not a number'}")
    if champion is None:
        return _against_floor(metric, candidate, gate)
    if isinstance(champion, IncomparableChampion):
        return _incomparable(champion)
    return _against(metric, champion, gate, why)


def _against_floor(metric: Metric, candidate: float, gate: Gate) -> Verdict:
    rule, because = "no_champion", "there is no champion yet"
    details = {"candidate": candidate, "floor": gate.floor}
    value = f"{metric.name} is {candidate:.4f}"
    if gate.floor is None:
        return Verdict(True, rule, f"blessed: {because}; {value} and no floor is set", details)
    worst = f"{'at least' if metric.higher else 'at most'} {gate.floor:.4f}"
    if metric.gain(candidate, gate.floor) < 0:
        return Verdict(False, rule, f"held: {because}, and {value}; needed: {worst}", details)
    return Verdict(True, rule, f"blessed: {because}, and {value}; needed: {worst}", details)


def _incomparable(champion: IncomparableChampion) -> Verdict:
    fault = f"version {champion.version} cannot be compared with ({champion.why})"
    way = (
        "fix it and run again, or let a person decide for the version that this run registers: "
        "mizzen models promote NUMBER --force --reason '...'"
    )
    return _held(INCOMPARABLE, f"held: {fault}, and no floor replaces a champion; {way}")


def _against(metric: Metric, champion: ChampionComparison, gate: Gate, why: str | None) -> Verdict:
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
        fault = f"{reason} cannot be computed on these rows: {why or 'it is not a number'}"
        return Verdict(False, "not_a_number", fault, details)
    summary = _summary(metric, champion)
    if gain.low <= gate.margin:
        needed = f"needed: more than {gate.margin:.4f}{_footing(metric, champion, held=True)}"
        return Verdict(False, "margin", f"held: {summary}; {needed}", details)
    harmed = [part for part in champion.slices if _harms(part, gate)]
    if harmed:
        named = ", ".join(f"{p.column}={p.value} by {-_gain(p):.4f}" for p in harmed)
        details["harmed"] = [f"{part.column}={part.value}" for part in harmed]
        reason = f"held: {summary}, but worse where {named}"
        allowed = f"allowed: {gate.no_harm.tolerance:.4f}{_footing(metric, champion, held=True)}"
        return Verdict(False, "no_harm", f"{reason}; {allowed}", details)
    told = f"no slice is harmed{_footing(metric, champion, held=False)}"
    return Verdict(True, "better", f"blessed: {summary}; {told}", details)


def _footing(metric: Metric, champion: ChampionComparison, held: bool) -> str:
    """What the champion's training on the rows means for the verdict; empty where it saw none."""
    on, version = champion.footing, champion.version
    if on is None:
        return ""
    if not on.known:
        return f"; on how many of the {on.rows} rows version {version} was trained is not known"
    if on.left_out:
        return (
            f"; measured on the {on.rows} rows that neither model was trained on, without "
            f"{on.left_out} that version {version} was trained on"
        )
    if not on.seen:
        return ""
    means = (
        "so the verdict may be too hard: compare on later rows, with a later --until or a "
        "smaller split.test"
        if held
        else "so the gain is at least this"
    )
    parts = ""
    if math.isfinite(on.on_seen) and math.isfinite(on.on_unseen):
        parts = f" ({metric.name} {on.on_seen:.4f} there, {on.on_unseen:.4f} on the others)"
    share = "all" if on.seen == on.rows else f"{on.seen} of these"
    return (
        f"; version {version} was trained on {share} {on.rows} rows, which favours it{parts}, "
        f"{means}"
    )


def _summary(metric: Metric, champion: ChampionComparison) -> str:
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
