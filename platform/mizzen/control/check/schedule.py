"""Whether the guard lets a schedule's starts go: what `cooldown` and `budget` would refuse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

from mizzen.control.check.finding import Finding
from mizzen.core.schedule import starts
from mizzen.spec.duration import to_timedelta
from mizzen.spec.project import ProjectSpec
from mizzen.spec.schedule import zone_of

SUBJECT = "retraining.schedule"
_YEAR = timedelta(days=366)  # with each change of a zone's time
_MOST = 1000  # starts that are looked at: more than enough of a dense schedule


def check_schedule(spec: ProjectSpec, now: datetime | None = None) -> list[Finding]:
    """The next start, and which ones of a year the guard refuses by a rule of the project."""
    schedule, begin = spec.retraining.schedule, now or datetime.now(UTC)
    if schedule is None:
        return []
    zone, end = zone_of(schedule.zone), begin + _YEAR
    found = islice(takewhile(lambda at: at <= end, starts(schedule, begin)), _MOST)
    local = [start.astimezone(zone) for start in found]
    if not local:
        return [Finding("warning", SUBJECT, "no start within a year")]
    said = Finding("ok", SUBJECT, f"the next start is {local[0].isoformat()}")
    return [said, *_cooldown(spec, local), *_budget(spec, local)]


def _cooldown(spec: ProjectSpec, found: Sequence[datetime]) -> list[Finding]:
    gaps = [(_between(one, other), other) for one, other in pairwise(found)]
    cooldown = spec.retraining.cooldown
    if not gaps or (least := min(gaps))[0] >= to_timedelta(cooldown):
        return []
    message = (
        f"the start at {least[1].isoformat()} comes {least[0]} after the one before it, and the "
        f"guard refuses it: retraining.cooldown is {cooldown}"
    )
    minutes = int(least[0].total_seconds()) // 60
    return [Finding("warning", SUBJECT, message, f"set retraining.cooldown to {minutes}m or less")]


def _budget(spec: ProjectSpec, found: Sequence[datetime]) -> list[Finding]:
    budget, most, first = spec.retraining.budget, 0, 0
    per = to_timedelta(budget.per)
    for last, at in enumerate(found):
        while _between(found[first], at) >= per:
            first += 1
        most = max(most, last - first + 1)
    if most <= budget.runs:
        return []
    message = (
        f"{most} starts lie within {budget.per}, and the guard lets {budget.runs} of them go: "
        "retraining.budget"
    )
    return [Finding("warning", SUBJECT, message, f"set retraining.budget.runs to {most} or more")]


def _between(one: datetime, other: datetime) -> timedelta:
    # local times of one zone would be compared by their clocks
    return other.astimezone(UTC) - one.astimezone(UTC)
