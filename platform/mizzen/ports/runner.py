"""The seam between a planned pipeline and whatever executes it.

A step is `module:function`, called with keyword arguments in a process of its own. It finds in
its environment:

- `MIZZEN_PLACE`: see `Place.from_environment`;
- `MIZZEN_RUN_ID` and `MIZZEN_TASK`: the run and the task's name in the plan;
- `MIZZEN_WORK`: an existing folder for what a later attempt goes on with, such as checkpoints. It
  outlives failed, killed and resumed attempts at the same work (the same cache key) of this run,
  and is removed once the step has succeeded;
- `OMP_NUM_THREADS` and its like: the task's cpu request (1 without one), set before any import.

What a step prints goes to its log. It must create every output path that it was given; it
returns a NamedTuple of scalars, one scalar (named `Output`), or None.
"""

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
    """A plan with its arguments, ready to run. `folder` is the run's own folder, on the same
    file system as `place.home`; `cache` false executes every step again. `environment` is
    added to every step's; it is no part of a cache key and is not kept."""

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
        """Run to the end in this process, reporting each change.

        A run id that was interrupted, cancelled or failed before resumes: finished steps are
        not executed again; their last events are observed once more, unchanged, so an
        observer must take an event that it knows for what it is. After a failure no further
        step starts, those that run are awaited.

        The outcome tells about failed steps; raised are only `Conflict` (another process
        executes this run) and `UserError`s about the submission itself.
        """

    def stored(self, folder: Path, place: Place) -> Submission:
        """What was submitted into `folder`, to resume it; NotFound without one."""

    def describe(self, folder: Path) -> RunState:
        """The state of the run in `folder`, read from it: a dead runner is `interrupted`."""

    def events(self, folder: Path) -> Iterator[StepEvent]:
        """All events so far, oldest first."""

    def logs(self, folder: Path, step: str) -> str:
        """What a step printed, all attempts in order."""

    def cancel(self, folder: Path) -> None:
        """Stop a run from any process; returns once no step of it runs. A run that has not
        started yet will not; one that has ended stays as it is."""
