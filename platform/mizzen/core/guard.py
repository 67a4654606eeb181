"""Whether an alarm becomes a training run. Pure: time and history are passed in.

`mizzen.control` asks before every retraining and keeps each answer, also each refusal, with its
reason. The rules, in the order in which they are asked; the first that objects decides:

1. `duplicate`: this trigger started a run before; that run is named.
2. `cause`: the project does not list the cause in `retraining.triggers`.
3. `stale`: the alarm judged a version that is not the champion any more.
4. `freeze`: the champion came back by a rollback less than `freeze` ago, and nobody lifted it.
5. `running`: a retraining is going.
6. `data`: the newest snapshot failed its validation; a model must not learn from it.
7. `breaker`: the last `breaker` retrainings failed in a row, and nobody reset it since.
8. `hysteresis`: fewer than `consecutive` alarms in a row.
9. `cooldown`: another retraining was less than `cooldown` away.
10. `budget`: with this one more than `budget.runs` retrainings would lie within `budget.per`.

A person is bound by `duplicate`, `running` and `data` only: whoever asks by hand has looked.

Each rule has one clock. `cooldown` and `budget` go by the triggers' own time, which is the data's
where past months are replayed: in any order, and beside what is asked today. `freeze` goes by the
wall clock, since a rollback is something that a person does now. `breaker` goes by the order in
which decisions were kept, and by no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from mizzen.core.runs import RunState
from mizzen.spec.duration import to_timedelta
from mizzen.spec.operation import Retraining

Cause = Literal["drift", "quality", "data", "schedule", "merge", "person"]
Rule = Literal[
    "allowed",
    "duplicate",
    "cause",
    "stale",
    "freeze",
    "running",
    "data",
    "breaker",
    "hysteresis",
    "cooldown",
    "budget",
]
_ALARMS = ("drift", "quality")
_FAILURES = (RunState.FAILED, RunState.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class RetrainRequest:
    """Somebody or something asks for a retraining.

    `trigger_id`: the same event has the same id, however often it is delivered (a drift job's
    result, a commit, a schedule's tick). `alarms`: how many windows in a row alarmed, this one
    included; see `alarms_in_a_row`. `data_valid`: whether the newest snapshot passed its
    validation, in the run `validated_by`; None where nobody looked. `version`: which one an alarm
    judged.
    """

    trigger_id: str
    cause: Cause
    alarms: int = 1
    data_valid: bool | None = None
    version: int | None = None
    validated_by: str | None = None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """An earlier answer. `at`: the trigger's time; `number`: grows in the order of keeping. Of a
    refusal, `run_id` and `state` are None; a refusal changes no later answer, so callers may
    leave refusals out."""

    trigger_id: str
    at: datetime
    go: bool
    run_id: str | None = None
    state: RunState | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Rollback:
    """A person made an older version the champion again; `at` by the wall clock."""

    version: int
    instead_of: int
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """Everything that happened before, in any order. `reset`: the number of the decision by
    which a person last reset the breaker. `rollback`: how the champion came to be, where that
    was a rollback whose freeze nobody lifted."""

    decisions: Sequence[PastDecision] = ()
    reset: int | None = None
    champion: int | None = None
    rollback: Rollback | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `rule` is `allowed` or the rule that objected; `not_before`: when the same
    request would pass, where waiting helps."""

    go: bool
    rule: Rule
    reason: str
    not_before: datetime | None = None


def decide(
    request: RetrainRequest,
    history: History,
    policy: Retraining,
    now: datetime,
    clock: datetime | None = None,
) -> Decision:
    """Whether this request starts a run, by which rule, and why.

    All instants carry a zone. Equal arguments give equal answers.

    Args:
        now: the trigger's time; the data's, where past months are replayed.
        clock: the wall clock; `now` when absent.
    """
    started = sorted((past for past in history.decisions if past.go), key=lambda p: p.at)
    case = _Case(request, started, history, policy, now, clock or now)
    for rule in _FOR_PERSONS if request.cause == "person" else _FOR_MACHINES:
        refusal = rule(case)
        if refusal is not None:
            return refusal
    return Decision(True, "allowed", f"no rule objects to {request.cause} {request.trigger_id}")


def alarms_in_a_row(verdicts: Sequence[bool]) -> int:
    """How many of the newest verdicts (oldest first) alarmed without a quiet one between."""
    count = 0
    for alarm in reversed(verdicts):
        if not alarm:
            break
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class _Case:
    request: RetrainRequest
    started: list[PastDecision]
    history: History
    policy: Retraining
    now: datetime
    clock: datetime


def _duplicate(case: _Case) -> Decision | None:
    for past in case.started:
        if past.trigger_id == case.request.trigger_id:
            reason = f"trigger {past.trigger_id} started run {past.run_id} at {past.at:%F %T%z}"
            return Decision(False, "duplicate", reason)
    return None


def _cause(case: _Case) -> Decision | None:
    cause, allowed = case.request.cause, case.policy.triggers
    if cause in allowed:
        return None
    listed = ", ".join(allowed) or "none"
    return Decision(False, "cause", f"retraining.triggers lists {listed}, not {cause}")


def _stale(case: _Case) -> Decision | None:
    judged, champion = case.request.version, case.history.champion
    if judged is None or judged == champion:
        return None
    now = "there is no champion" if champion is None else f"version {champion} is the champion"
    return Decision(False, "stale", f"the alarm judged version {judged}, and {now} by now")


def _freeze(case: _Case) -> Decision | None:
    rollback, freeze = case.history.rollback, case.policy.freeze
    if rollback is None or freeze is None:
        return None
    until = rollback.at + to_timedelta(freeze)
    if case.clock >= until:
        return None
    reason = (
        f"version {rollback.version} came back in place of version {rollback.instead_of} at "
        f"{rollback.at:%F %T%z}; retraining is frozen until {until:%F %T%z}, or until a person "
        "lifts it: mizzen retrain --unfreeze"
    )
    return Decision(False, "freeze", reason, until)


def _running(case: _Case) -> Decision | None:
    for past in case.started:
        if past.state is None or not past.state.ended:
            reason = f"run {past.run_id} is still going, since {past.at:%F %T%z}"
            return Decision(False, "running", reason)
    return None


def _data(case: _Case) -> Decision | None:
    if case.request.data_valid is not False:
        return None
    run = case.request.validated_by
    taken = "" if run is None else f", of run {run},"
    reason = (
        f"the newest snapshot{taken} failed its validation; fix the data and ask again, or take a "
        "new snapshot: mizzen run"
    )
    return Decision(False, "data", reason)


def _breaker(case: _Case) -> Decision | None:
    reset = case.history.reset
    since = [p for p in case.started if reset is None or p.number > reset]
    # a cancelled run says nothing about whether retraining works
    told = [p for p in since if p.state is not RunState.CANCELLED]
    told.sort(key=lambda p: p.number)
    failed = alarms_in_a_row([p.state in _FAILURES for p in told])
    if failed < case.policy.breaker:
        return None
    reason = (
        f"the last {failed} retrainings failed, the newest is run {told[-1].run_id}; "
        "a person must look and reset: mizzen retrain --reset"
    )
    return Decision(False, "breaker", reason)


def _hysteresis(case: _Case) -> Decision | None:
    alarms, wanted = case.request.alarms, case.policy.consecutive
    if case.request.cause not in _ALARMS or alarms >= wanted:
        return None
    return Decision(False, "hysteresis", f"{alarms} of {wanted} alarms in a row")


def _cooldown(case: _Case) -> Decision | None:
    gap = to_timedelta(case.policy.cooldown)
    near = [past for past in case.started if abs(case.now - past.at) < gap]
    if not near:
        return None
    times = [past.at for past in case.started]
    until = _first_after(case.now, times, gap, lambda at: all(abs(at - t) >= gap for t in times))
    last = near[-1]
    reason = f"run {last.run_id} started at {last.at:%F %T%z}; cooling down until {until:%F %T%z}"
    return Decision(False, "cooldown", reason, until)


def _budget(case: _Case) -> Decision | None:
    budget, per = case.policy.budget, to_timedelta(case.policy.budget.per)
    times = [past.at for past in case.started]
    if _fits(case.now, times, budget.runs, per):
        return None
    until = _first_after(case.now, times, per, lambda at: _fits(at, times, budget.runs, per))
    reason = (
        f"{budget.runs} runs started within {budget.per} of {case.now:%F %T%z}, which is the budget"
    )
    return Decision(False, "budget", reason, until)


def _fits(at: datetime, times: Sequence[datetime], runs: int, per: timedelta) -> bool:
    """Whether one more run leaves at most `runs` of them in every stretch of `per` around it."""
    near = sorted([at, *(t for t in times if abs(t - at) < per)])
    return all(late - early >= per for early, late in zip(near, near[runs:], strict=False))


def _first_after(
    now: datetime,
    times: Iterable[datetime],
    gap: timedelta,
    passes: Callable[[datetime], bool],
) -> datetime:
    """When waiting would help: a rule that looks back a `gap` opens that long after a run."""
    return min(at for at in (t + gap for t in times) if at > now and passes(at))


_Rule = Callable[[_Case], Decision | None]
_FOR_PERSONS: tuple[_Rule, ...] = (_duplicate, _running, _data)
_FOR_MACHINES: tuple[_Rule, ...] = (
    _duplicate,
    _cause,
    _stale,
    _freeze,
    _running,
    _data,
    _breaker,
    _hysteresis,
    _cooldown,
    _budget,
)
