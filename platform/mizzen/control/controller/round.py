"""One round: how things are, and what is missing of how they should be.

Each part stands for itself: an error of one keeps no other from being done, and is tried again
after a while that grows with each failure. Nothing that a part knows has to outlive the process.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from mizzen.control.controller.leadership import Leadership
from mizzen.control.models.reconcile import alias_follows
from mizzen.control.monitoring import alarms, drift, triggers
from mizzen.control.own_process import OwnProcess
from mizzen.control.runs import finalize
from mizzen.control.workspace import Workspace
from mizzen.core.quality import QualityPolicy
from mizzen.core.runs import RunState
from mizzen.core.schedule import next_start
from mizzen.core.windows import due_at, look_interval, next_look
from mizzen.errors import MizzenError, StaleLease
from mizzen.state.records import Lease, Promotion

APART = "mizzen.control.controller.apart"
UNFINISHED = 50  # runs whose drivers are looked at in a round, the newest
_PATIENCE = (5, 15, 60, 300)  # seconds before a part that failed is tried again
_POLL_SECONDS = 0.05


@dataclass
class Trouble:
    """What a part met. `again`: when it is tried again."""

    text: str
    since: datetime
    again: datetime
    failures: int = 1


@dataclass
class Memory:
    """What one round leaves to the next. `look`: the drift job that runs; `looked`: when one
    began last, for which version."""

    troubles: dict[str, Trouble] = field(default_factory=dict)
    look: OwnProcess | None = None
    looked: datetime | None = None
    version: int | None = None
    due: datetime | None = None
    next_look: datetime | None = None
    no_traffic: str | None = None


@dataclass(frozen=True, slots=True)
class RoundResult:
    """`did`: each effect, in words. `waits`: what the next rounds wait for. `errors`: part ->
    what it met."""

    did: tuple[str, ...]
    waits: tuple[str, ...]
    errors: Mapping[str, str]


@dataclass
class Round:
    """What the parts get."""

    workspace: Workspace
    now: datetime
    leadership: Leadership
    lease: Lease
    memory: Memory
    waits: list[str] = field(default_factory=list)

    @cached_property
    def champion(self) -> Promotion | None:
        """What made the champion, as of this round."""
        return self.workspace.state.models.champion(self.workspace.spec.name)

    def apart(self, part: str, *words: str) -> dict[str, Any]:
        """The answer of one effect in a process of its own; the lease is held meanwhile.

        Raises:
            MizzenError: what the process raised.
            StaleLease: another controller leads by now.
        """
        process = self.start(part, *words)
        try:
            while not process.ended():
                self.leadership.beat()
                time.sleep(_POLL_SECONDS)
        except BaseException:
            process.stop()
            raise
        found: dict[str, Any] = json.loads(process.answer())
        return found

    def start(self, part: str, *words: str) -> OwnProcess:
        """An effect that goes on beside the rounds."""
        self.leadership.beat()
        place, folder = self.workspace.place, str(self.workspace.folder)
        told = json.dumps(
            {"name": self.lease.name, "holder": self.lease.holder, "epoch": self.lease.epoch}
        )
        arguments = [part, folder, self.workspace.profile, *words]
        return OwnProcess(APART, arguments, place, f"{part}: the process ended", told=told)


def run_round(
    workspace: Workspace, now: datetime, leadership: Leadership, lease: Lease, memory: Memory
) -> RoundResult:
    """Do each part that is not to wait after an error.

    Raises:
        StaleLease: another controller leads by now; nothing more is done.
    """
    this, did = Round(workspace, now, leadership, lease, memory), []
    for name, part in PARTS.items():
        trouble = memory.troubles.get(name)
        if trouble is not None and now < trouble.again:
            continue
        leadership.beat()
        try:
            did += list(part(this))
        except StaleLease as error:
            if error_is_ours(error, lease):
                raise
            _remember(memory, name, error, now)
        except Exception as error:  # noqa: BLE001 (whatever it is: the loop goes on, and says it)
            _remember(memory, name, error, now)
        else:
            if not (name == "windows" and memory.look is not None):  # not known yet
                memory.troubles.pop(name, None)
    errors = {name: trouble.text for name, trouble in memory.troubles.items()}
    return RoundResult(tuple(did), tuple(this.waits), errors)


def error_is_ours(error: StaleLease, lease: Lease) -> bool:
    """Whether the controller's own lease is stale, not that of a run."""
    return lease.name in error.message


def end_runs(this: Round) -> Iterator[str]:
    """A run whose driver died is interrupted."""
    name, state = this.workspace.spec.name, this.workspace.state
    for run in state.runs.unfinished(name, UNFINISHED):
        found = finalize.detect_interrupted(this.workspace, run)
        if found.state is RunState.INTERRUPTED:
            yield f"run {run.id} is interrupted: the process that drove it died"


def follow_champion(this: Round) -> Iterator[str]:
    """The registry's alias points at the champion."""
    champion = this.champion
    if champion is None:
        this.waits.append("there is no champion yet: mizzen run")
    elif not alias_follows(this.workspace, champion.version):
        found = this.apart("champion")
        if found["version"] is not None:
            yield f"the registry's alias points at version {found['version']}"


def look(this: Round) -> Iterator[str]:
    """The drift job and the look at quality run where they are due."""
    memory, now, champion = this.memory, this.now, this.champion
    if memory.look is not None:
        if not memory.look.ended():
            this.waits.append("the drift job, which runs")
            return
        yield from _looked(this, memory.look)
    if champion is None:
        return
    if memory.version != champion.version or memory.next_look is None:
        _plan(this, champion.version)
    if memory.next_look is None or now >= memory.next_look:
        memory.look = this.start("windows", now.isoformat())
        memory.looked, memory.next_look = now, None
        this.waits.append("the drift job, which runs")
        return
    this.waits += _waits_of(memory)


def resume(this: Round) -> Iterator[str]:
    """Interrupted retrainings go on, a bounded number of times."""
    for _decision, run in alarms.interrupted(this.workspace):
        if alarms.may_resume(run):
            found = this.apart("interrupted", run.id)
            yield f"run {run.id} is resumed, attempt {found['attempt']} of {alarms.ATTEMPTS}"
        else:
            this.waits.append(
                f"a person to look at run {run.id}, which was interrupted {run.attempts} times: "
                f"mizzen runs resume {run.id}"
            )


def answer(this: Round) -> Iterator[str]:
    """The guard answers stored alarms; where it is to go, a run begins."""
    for alarm in alarms.pending(this.workspace):
        found = this.apart("alarms", alarm.id, this.now.isoformat())
        if found["answered"]:
            yield _told(found)
    name = this.workspace.spec.name
    for decision in this.workspace.state.monitoring.newest_decisions(name, 1):
        if not decision.go and decision.not_before and decision.not_before > this.now:
            this.waits.append(
                f"held by the guard until {decision.not_before:%FT%TZ} ({decision.rule}): "
                f"{decision.reason}"
            )


def answer_schedule(this: Round) -> Iterator[str]:
    """The guard is asked about the start of the schedule that is due."""
    if triggers.scheduled(this.workspace, this.now):
        yield from map(_told, this.apart("schedule", this.now.isoformat())["decisions"])
    schedule = this.workspace.spec.retraining.schedule
    upcoming = None if schedule is None else next_start(schedule, this.now)
    if upcoming is not None:
        this.waits.append(f"the schedule's next start, {upcoming:%FT%TZ}")


def answer_requests(this: Round) -> Iterator[str]:
    """The guard is asked about the requests that wait."""
    if triggers.requested(this.workspace, this.now):
        yield from map(_told, this.apart("requests", this.now.isoformat())["decisions"])


def _told(found: Mapping[str, Any]) -> str:
    what = f"run {found['run']} begins" if found["go"] else "not retrained"
    return f"{found['trigger']}: {what} ({found['rule']}): {found['reason']}"


def _looked(this: Round, process: OwnProcess) -> Iterator[str]:
    looked, this.memory.looked = this.memory.looked, None  # a failed look is tried again
    this.memory.look = None
    found = json.loads(process.answer())
    this.memory.looked, this.memory.no_traffic = looked, None
    if not found["windows"]:
        this.memory.no_traffic = found["newest"] or "none"
    for window in found["windows"]:
        yield f"judged {window}"


def _plan(this: Round, version: int) -> None:
    """When the log is looked at next; asked of the state after each look and promotion."""
    spec, memory = this.workspace.spec, this.memory
    length = drift.length_of(this.workspace)
    memory.due = due_at(drift.spans(this.workspace, version), length)
    every = look_interval(length, QualityPolicy.of(spec.monitoring, spec.label).length)
    memory.version = version
    memory.next_look = next_look(memory.due, memory.looked, every)


def _waits_of(memory: Memory) -> list[str]:
    found = [] if memory.due is None else [f"a window of drift, due {memory.due:%FT%TZ}"]
    if memory.next_look is not None:
        found.append(f"the next look at the log, {memory.next_look:%FT%TZ}")
    if memory.no_traffic is not None:
        found.append(f"predictions of now: the newest is of {memory.no_traffic}")
    return found


def _remember(memory: Memory, part: str, error: Exception, now: datetime) -> None:
    text = str(error) if isinstance(error, MizzenError) else f"{type(error).__name__}: {error}"
    known = memory.troubles.get(part)
    failures = 1 if known is None else known.failures + 1
    wait = timedelta(seconds=_PATIENCE[min(failures, len(_PATIENCE)) - 1])
    since = now if known is None else known.since
    memory.troubles[part] = Trouble(text, since, now + wait, failures)


PARTS: dict[str, Callable[[Round], Iterator[str]]] = {
    "runs": end_runs,
    "champion": follow_champion,
    "interrupted": resume,
    "schedule": answer_schedule,
    "requests": answer_requests,
    "windows": look,
    "alarms": answer,
}
