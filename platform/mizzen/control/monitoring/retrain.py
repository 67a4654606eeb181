"""From a trigger to a training run, or to a refusal; either is kept with its reason.

The rules are `mizzen.core.guard`, pure; here they get the history, and their answer its effect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mizzen.control.monitoring.validation import with_validation
from mizzen.control.runs import finalize
from mizzen.control.runs.observers import OnEvent
from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.submit import PreparedRun, execute, prepare
from mizzen.control.workspace import Workspace
from mizzen.core.guard import (
    Decision,
    History,
    PastDecision,
    RetrainRequest,
    Rollback,
    decide,
)
from mizzen.core.runs import RunState
from mizzen.errors import Conflict, StaleLease
from mizzen.spec.duration import to_timedelta
from mizzen.state.records import (
    RESET,
    UNFREEZE,
    DecisionRecord,
    Lease,
    Promotion,
    RetrainingRecord,
    RunRecord,
    new_key,
)

_NEWEST, _MOST = 50, 5000  # retrainings that are read: usually, and where most were cancelled
_LIFTED = 50


@dataclass(frozen=True, slots=True)
class RetrainResult:
    """The decision and, where it was to go, the run that followed."""

    decision: DecisionRecord
    run: RunRecord | None = None


def retrain(
    workspace: Workspace,
    request: RetrainRequest,
    now: datetime,
    *,
    alarm: str | None = None,
    all_rows: bool = False,
    once: bool = False,
    on_event: OnEvent | None = None,
) -> RetrainResult:
    """Ask the guard, keep its answer, and train on the window that ends at `now`.

    Args:
        now: the trigger's time; in a replay, the data's time.
        alarm: the stored window that this request answers.
        all_rows: train on every row instead; the clock says nothing about data of the past.
        once: one decision for this trigger, a refusal too: of several who ask, the first counts.
    """
    prepared = ask(workspace, request, now, alarm, all_rows=all_rows, once=once)
    if isinstance(prepared, DecisionRecord):
        return RetrainResult(prepared)
    decision, ready = prepared
    return RetrainResult(decision, execute(ready, on_event))


def ask(
    workspace: Workspace,
    request: RetrainRequest,
    now: datetime,
    alarm: str | None = None,
    *,
    all_rows: bool = False,
    once: bool = False,
    lease: Lease | None = None,
) -> DecisionRecord | tuple[DecisionRecord, PreparedRun]:
    """The decision that stands without a run of ours (a refusal, or another's), or the decision
    to go with the prepared run.

    Args:
        lease: of the controller that asks; it has to lead still when its decision is kept.

    Raises:
        StaleLease: another controller leads by now.
    """
    policy = workspace.spec.retraining
    request = with_validation(workspace, request)
    decision = decide(request, _history(workspace, request, now), policy, now, clock())
    if not decision.go:
        kept = _record(workspace, request, decision, now, None, once)
        try:
            return workspace.state.monitoring.add_decision(kept, alarm, lease)
        except StaleLease:
            raise
        except Conflict:
            return _standing(workspace, request)
    start = None if policy.window is None else now - to_timedelta(policy.window)
    timed = workspace.spec.data.event_time is not None and not all_rows
    ready = prepare(
        workspace,
        RunRequest(
            title=f"retrain: {request.cause}",
            start=start if timed else None,
            end=now if timed else None,
            trigger=request.cause,
        ),
        datetime.now(UTC),
    )
    # the run exists before the decision names it; a kill between leaves an interrupted run
    # that nothing waits for, never a decision without its run
    kept = _record(workspace, request, decision, now, ready.run.id, once)
    try:
        standing = workspace.state.monitoring.add_decision(kept, alarm, lease)
    except StaleLease:
        ready.withdraw()
        raise
    except Conflict:
        standing = _standing(workspace, request)
    if standing.run == ready.run.id:
        return standing, ready
    ready.withdraw()  # somebody else answered the same event meanwhile: theirs is carried out
    return standing


def clock() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def reset_breaker(workspace: Workspace, now: datetime) -> DecisionRecord:
    """A person looked: failures of retrainings decided before this no longer stop others."""
    workspace.state.projects.ensure(workspace.spec.name, str(workspace.folder), now)
    return workspace.state.monitoring.reset_breaker(workspace.spec.name)


def lift_freeze(workspace: Workspace, now: datetime) -> DecisionRecord:
    """A person looked: the rollback before this no longer stops retraining."""
    workspace.state.projects.ensure(workspace.spec.name, str(workspace.folder), now)
    return workspace.state.monitoring.lift_freeze(workspace.spec.name)


def _standing(workspace: Workspace, request: RetrainRequest) -> DecisionRecord:
    """The decision that came first: about the same event."""
    newest, name = workspace.state.monitoring.newest_decisions, workspace.spec.name
    went = newest(name, 1, trigger=request.trigger_id, go=True)
    return (went or newest(name, 1, trigger=request.trigger_id))[0]


def _history(workspace: Workspace, request: RetrainRequest, now: datetime) -> History:
    """Of everything that happened before, what can matter to this request."""
    name, state = workspace.spec.name, workspace.state
    found = {each.decision.id: each for each in _retrainings(workspace, now)}
    same = state.monitoring.newest_decisions(name, 1, trigger=request.trigger_id, go=True)
    found |= {d.id: RetrainingRecord(d, None) for d in same if d.id not in found}
    reset = state.monitoring.newest_decisions(name, 1, rule=RESET)
    champion = state.models.champion(name)
    lifted = [d.at for d in state.monitoring.newest_decisions(name, _LIFTED, rule=UNFREEZE)]
    return History(
        [_past(workspace, each) for each in found.values()],
        reset[0].id if reset else None,
        None if champion is None else champion.version,
        _rollback(champion, lifted),
    )


def _retrainings(workspace: Workspace, now: datetime) -> Iterator[RetrainingRecord]:
    """Those that go, for the rule `running`; those of the triggers' time that `cooldown` and
    `budget` look at; and the newest, for `breaker`."""
    policy, name = workspace.spec.retraining, workspace.spec.name
    read = workspace.state.monitoring.retrainings
    yield from read(name, _MOST, unfinished=True)
    gap = max(to_timedelta(policy.cooldown), to_timedelta(policy.budget.per))
    yield from read(name, _MOST, since=now - gap)
    count = _NEWEST
    while True:
        newest = read(name, count)
        told = [r for r in newest if r.state is not RunState.CANCELLED]
        if len(newest) < count or len(told) > policy.breaker or count >= _MOST:
            yield from newest
            return
        count *= 10


def _rollback(champion: Promotion | None, lifted: Sequence[datetime]) -> Rollback | None:
    """How the champion came back, unless it did otherwise, or a person lifted the freeze."""
    if champion is None or champion.previous is None or not champion.is_rollback:
        return None
    if any(at >= champion.at for at in lifted):
        return None
    return Rollback(champion.version, champion.previous, champion.at)


def _past(workspace: Workspace, each: RetrainingRecord) -> PastDecision:
    decision, state = each.decision, each.state
    if decision.run is not None and state is not None and not state.ended:
        run = workspace.state.runs.get(decision.project, decision.run)
        state = finalize.detect_interrupted(workspace, run).state
    return PastDecision(
        decision.trigger_id, decision.at, decision.go, decision.run, state, decision.id
    )


def _record(
    workspace: Workspace,
    request: RetrainRequest,
    decision: Decision,
    now: datetime,
    run_id: str | None,
    once: bool,
) -> DecisionRecord:
    name, trigger = workspace.spec.name, request.trigger_id
    workspace.state.projects.ensure(name, str(workspace.folder), now)
    return DecisionRecord(
        project=name,
        trigger_id=trigger,
        cause=request.cause,
        go=decision.go,
        rule=decision.rule,
        reason=decision.reason,
        not_before=decision.not_before,
        at=now,
        run=run_id,
        key=key_of(name, trigger) if once else new_key(),
    )


def key_of(project: str, trigger: str) -> str:
    """The key of the one decision about a trigger."""
    return hashlib.sha256(f"{project}/{trigger}".encode()).hexdigest()[:40]
