"""Who is told while a run happens: the state, the tracker, and whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mizzen.control.runs.evaluation import EVALUATE, evaluation_of
from mizzen.core.plan import Plan
from mizzen.core.runs import StepEvent

if TYPE_CHECKING:
    from mizzen.state.interface import State
    from mizzen.state.records import Lease

OnEvent = Callable[[StepEvent], None]


def state_writer(state: State, project: str, plan: Plan, lease: Lease) -> OnEvent:
    """Keeps the last event of each step, in the plan's order, and with the run what it measured."""
    positions = {task.name: position for position, task in enumerate(plan.tasks)}

    def write(event: StepEvent) -> None:
        state.runs.record_step(project, event, positions.get(event.step, len(positions)), lease)
        found = evaluation_of(event) if event.step == EVALUATE else None
        if found is not None:
            state.runs.change(project, event.run_id, lease, evaluation=found)

    return write


def all_of(observers: Sequence[OnEvent]) -> OnEvent:
    """Tells everybody, in order."""

    def tell(event: StepEvent) -> None:
        for on_event in observers:
            on_event(event)

    return tell
