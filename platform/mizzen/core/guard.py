"""Whether an alarm becomes a training run. Pure: time and history are passed in.

`mizzen.control` asks before every retraining and keeps each answer, also each refusal, with its
reason. The rules, in the order in which they are asked; the first that objects decides:

1. `duplicate`: this trigger started a run before; that run is named.
2. `cause`: the project does not list the cause in `retraining.triggers`.
3. `running`: a retraining is going.
4. `data`: the newest window failed its expectations; a model must not learn from it.
5. `breaker`: the last `breaker` retrainings failed in a row, and nobody reset it since.
6. `hysteresis`: fewer than `consecutive` alarms in a row.
7. `cooldown`: the last retraining started less than `cooldown` ago.
8. `budget`: `budget.runs` retrainings started within `budget.per`.

A person is bound by `duplicate`, `running` and `data` only: whoever asks by hand has looked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mizzen.core.runs import RunState
from mizzen.spec.duration import to_timedelta
from mizzen.spec.operation import Retraining

Cause = Literal["drift", "quality", "data", "schedule", "merge", "person"]
Rule = Literal[
    "allowed",
    "duplicate",
    "cause",
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
    included; see `alarms_in_a_row`. `data_valid`: whether the newest window passed its
    expectations; None where nobody looked.
    """

    trigger_id: str
    cause: Cause
    alarms: int = 1
    data_valid: bool | None = None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """An earlier answer. Of a refusal, `run_id` and `state` are None; a refusal changes no
    later answer, so callers may leave refusals out."""

    trigger_id: str
    at: datetime
    go: bool
    run_id: str | None = None
    state: RunState | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Everything that happened before, in any order. `reset_at`: when a person last reset the
    breaker."""

    decisions: Sequence[PastDecision] = ()
    reset_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `rule` is `allowed` or the rule that objected; `not_before`: when the same
    request would pass, where waiting helps."""

    go: bool
    rule: Rule
    reason: str
    not_before: datetime | None = None


def decide(
    request: RetrainRequest, history: History, policy: Retraining, now: datetime
) -> Decision:
    """Whether this request starts a run, by which rule, and why.

    All instants carry a zone. Equal arguments give equal answers.
    """
    started = sorted((past for past in history.decisions if past.go), key=lambda p: p.at)
    case = _Case(request, started, history.reset_at, policy, now)
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
    reset_at: datetime | None
    policy: Retraining
    now: datetime


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


def _running(case: _Case) -> Decision | None:
    for past in case.started:
        if past.state is None or not past.state.ended:
            reason = f"run {past.run_id} is still going, since {past.at:%F %T%z}"
            return Decision(False, "running", reason)
    return None


def _data(case: _Case) -> Decision | None:
    if case.request.data_valid is not False:
        return None
    reason = "the newest window failed its expectations; mend the data, then ask again"
    return Decision(False, "data", reason)


def _breaker(case: _Case) -> Decision | None:
    since = [p for p in case.started if case.reset_at is None or p.at > case.reset_at]
    # a cancelled run says nothing about whether retraining works
    verdicts = [p.state in _FAILURES for p in since if p.state is not RunState.CANCELLED]
    failed = alarms_in_a_row(verdicts)
    if failed < case.policy.breaker:
        return None
    reason = (
        f"the last {failed} retrainings failed, the newest is run {since[-1].run_id}; "
        "a person must look and reset: mizzen retrain --reset"
    )
    return Decision(False, "breaker", reason)


def _hysteresis(case: _Case) -> Decision | None:
    alarms, wanted = case.request.alarms, case.policy.consecutive
    if case.request.cause not in _ALARMS or alarms >= wanted:
        return None
    return Decision(False, "hysteresis", f"{alarms} of {wanted} alarms in a row")


def _cooldown(case: _Case) -> Decision | None:
    if not case.started:
        return None
    last = case.started[-1]
    until = last.at + to_timedelta(case.policy.cooldown)
    if case.now >= until:
        return None
    reason = f"run {last.run_id} started at {last.at:%F %T%z}; cooling down until {until:%F %T%z}"
    return Decision(False, "cooldown", reason, until)


def _budget(case: _Case) -> Decision | None:
    budget = case.policy.budget
    per = to_timedelta(budget.per)
    recent = [past for past in case.started if past.at > case.now - per]
    if len(recent) < budget.runs:
        return None
    until = recent[-budget.runs].at + per
    reason = f"{len(recent)} runs started within {budget.per}; the budget is {budget.runs}"
    return Decision(False, "budget", reason, until)


_Rule = Callable[[_Case], Decision | None]
_FOR_PERSONS: tuple[_Rule, ...] = (_duplicate, _running, _data)
_FOR_MACHINES: tuple[_Rule, ...] = (
    _duplicate,
    _cause,
    _running,
    _data,
    _breaker,
    _hysteresis,
    _cooldown,
    _budget,
)
