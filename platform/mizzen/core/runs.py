"""The life of a run as values: states, events and outcomes.

Runners report `StepEvent`s, control keeps them, front doors show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

Scalar = str | int | float | bool | None


class StepState(StrEnum):
    """`cached`: not executed, its outputs were taken from the cache. `skipped`: its condition
    was false."""

    PENDING = "pending"
    RUNNING = "running"
    CACHED = "cached"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    """`interrupted`: the runner died before it could say how the run ended."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens unless somebody resumes the run."""
        return self not in {RunState.QUEUED, RunState.RUNNING}


class RunVerdict(StrEnum):
    """`same`: the model is one that another run had registered."""

    BLESSED = "blessed"
    HELD = "held"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One change of one step.

    `figures`: the step's scalar outputs (row counts, metrics), shown as key figures.
    `artifacts`: output name -> folder or file on this machine, once it is stored.
    `error`: `MizzenError.as_dict()` of a failed step, with `traceback` where there is one.
    """

    run_id: str
    step: str
    state: StepState
    at: datetime
    attempt: int = 1
    seconds: float | None = None
    figures: Mapping[str, Scalar] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, with the last event of every step, in the plan's order."""

    run_id: str
    state: RunState
    steps: Mapping[str, StepEvent]

    def figure(self, step: str, name: str) -> Scalar | None:
        """One scalar output of one step; None when the step did not produce it."""
        event = self.steps.get(step)
        return None if event is None else event.figures.get(name)
