"""The seam between a planned pipeline and whatever executes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mizzen.core.place import Place
from mizzen.core.plan import Plan
from mizzen.core.runs import Outcome, RunState, StepEvent

Observer = Callable[[StepEvent], None]


@dataclass(frozen=True, slots=True)
class Submission:
    """A plan with its arguments, ready to run. `folder` is the run's own folder; `cache`
    false executes every step again. `environment` is added to every step's."""

    run_id: str
    plan: Plan
    arguments: Mapping[str, Any]
    folder: Path
    place: Place
    cache: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


class Runner(Protocol):
    """Executes plans; what it cannot do is an `Unsupported` error that names the construct."""

    def execute(self, submission: Submission, observe: Observer) -> Outcome:
        """Run to the end in this process, reporting each change. A run id that was
        interrupted or failed before resumes: finished steps are not executed again."""

    def describe(self, folder: Path) -> RunState:
        """The state of the run in `folder`, read from it: a dead runner is `interrupted`."""

    def events(self, folder: Path) -> Iterator[StepEvent]:
        """All events so far, oldest first."""

    def logs(self, folder: Path, step: str) -> str:
        """What a step printed, all attempts in order."""

    def cancel(self, folder: Path) -> None:
        """Ask a running run to stop; returns once no step of it runs."""
