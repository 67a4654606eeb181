"""What the state keeps, as values. Front doors show them; `document` makes them JSON-ready."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from mizzen.core.runs import RunState, Scalar, StepState

GATE = "gate"  # who promotes what the gate blessed
# By a decision of these rules a person lets retraining go on.
RESET, UNFREEZE = "reset", "unfreeze"


def new_key() -> str:
    """An idempotency key that nobody else has."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class About:
    """Who keeps the state: the version of Mizzen, and the migration of the tables."""

    version: str
    tables: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to drive what `name` names (`run:<id>`, `controller:<project>`), as its holder has
    it. `holder` is `machine/process/secret`: whoever cannot say it writes nothing. Each new holder
    has a higher `epoch`, so that one who slept is told apart from who drives now."""

    name: str
    holder: str
    epoch: int


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A lease as others see it. `driver`: its holder without the secret, empty where nobody holds
    it; `seconds_left` by the database's clock, negative once it has expired."""

    name: str
    driver: str
    epoch: int
    seconds_left: float


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A known project; `folder` is on the machine that told of it first."""

    name: str
    folder: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StepRecord:
    """The last event of one step."""

    name: str
    state: StepState
    at: datetime
    attempt: int = 1
    seconds: float | None = None
    figures: Mapping[str, Scalar] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a run measured of its model, and the gate's verdict. `metric` is the primary one,
    `value` its value, None where it cannot be computed; `metrics`: the values of all of them."""

    metric: str
    value: float | None
    champion_value: float | None
    blessed: bool
    reason: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. `plan` and `code` are digests; `champion`: the version that it was judged
    against; `version`: what it registered; `folder`: its own folder on this machine;
    `overrides`: dotted field of mizzen.yaml -> value, set for this run only."""

    id: str
    project: str
    kind: str
    title: str
    state: RunState
    trigger: str
    arguments: Mapping[str, Any]
    plan: str
    code: str
    folder: str
    created_at: datetime
    champion: int | None = None
    version: int | None = None
    attempts: int = 1
    error: Mapping[str, Any] | None = None
    ended_at: datetime | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a run, or of one of its steps. Numbers grow within a run; `run` is the whole
    run as it was when the change was read."""

    number: int
    run: RunRecord
    step: StepRecord | None = None


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One registered version and the gate's verdict on it."""

    project: str
    number: int
    run: str
    blessed: bool
    reason: str
    metric: str
    value: float | None
    champion: int | None
    champion_value: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """One line of the history. The newest one names the champion. `forced`: a person overruled
    the gate, which had held the version. `key` is made by whoever asks: a line of the same key
    is the same line."""

    project: str
    version: int
    previous: int | None
    by: str
    reason: str
    forced: bool
    at: datetime
    id: int = 0
    key: str | None = field(default_factory=new_key)

    @property
    def is_rollback(self) -> bool:
        """Whether a person made an older version the champion again."""
        return self.previous is not None and self.version < self.previous and self.by != GATE


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """What was found in one watched window. `kind` is `drift` or `quality`; `handled_by`: the
    decision that answered the alarm."""

    id: str
    project: str
    start: datetime | None
    end: datetime
    version: int
    kind: str
    alarm: bool
    figures: Mapping[str, Any]
    report: str | None
    at: datetime
    handled_by: int | None = None

    @property
    def judged(self) -> bool:
        """Whether there was enough to say anything."""
        return bool(self.figures.get("judged", True))  # windows of older states were

    @property
    def basis(self) -> int:
        """Over how many rows (`drift`) or labels (`quality`) it was given."""
        return int(self.figures.get("rows" if self.kind == "drift" else "labelled") or 0)

    @property
    def founded(self) -> str:
        """`basis` in words; of quality with the share of labels."""
        if self.kind != "quality":
            return f"{self.basis} rows"
        return f"{self.basis} of {self.figures['predictions']} labels ({self.figures['share']:.1%})"

    def replaces(self, known: WindowRecord) -> bool:
        """Whether this verdict on the same window is the better founded one. Of quality the
        later look knows more: labels come, and are corrected."""
        if self.kind == "quality":
            return self.at >= known.at
        return not known.judged or (self.judged and self.basis > known.basis)

    @property
    def verdict(self) -> str:
        """`ALARM`, `quiet`, or `not judged` with its reason."""
        if not self.judged:
            return f"not judged: {self.figures.get('reason', 'no reason is kept')}"
        return "ALARM" if self.alarm else "quiet"


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One answer to one wish to retrain; refusals are kept too. `key` as in `Promotion`."""

    project: str
    trigger_id: str
    cause: str
    go: bool
    rule: str
    reason: str
    not_before: datetime | None
    at: datetime
    run: str | None = None
    id: int = 0
    key: str | None = field(default_factory=new_key)


RequestCause = Literal["merge", "data", "schedule", "person"]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """An event that asked for a retraining, or a person who did not wait for it. `key` is its id
    as a trigger: the same key is the same request. `state`: `waiting`, or `decided` with the
    decision; of one that went, `decision.run` is the run."""

    project: str
    key: str
    cause: str
    reason: str
    by: str
    at: datetime
    state: Literal["waiting", "decided"] = "waiting"
    decision: DecisionRecord | None = None


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """How far the starts of a project's schedule were answered: up to `since`, none is due."""

    project: str
    cron: str
    zone: str
    since: datetime

    def covers(self, other: ScheduleRecord) -> bool:
        """Whether it says as much of the same schedule already."""
        same = (self.cron, self.zone) == (other.cron, other.zone)
        return same and self.since >= other.since


@dataclass(frozen=True, slots=True)
class RetrainingRecord:
    """A decision to go, and how the run that followed is; None where the state has no such run."""

    decision: DecisionRecord
    state: RunState | None


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """What the stack answers predictions with."""

    project: str
    version: int
    address: str
    pid: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class DemoStepRecord:
    """One begun or finished step of a story. `digest`: of everything that it depends on."""

    project: str
    story: str
    position: int
    digest: str
    result: Mapping[str, Any]
    at: datetime


def lease_name(run_id: str) -> str:
    """The lease of whoever drives a run."""
    return f"run:{run_id}"


def names(record: type[Any]) -> list[str]:
    """The fields of a kind of record: its table's columns."""
    return [field.name for field in fields(record)]


def to_jsonable(value: Any) -> Any:
    """A value as plain JSON: instants as ISO text, paths as text, NaN as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_jsonable(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [to_jsonable(item) for item in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
