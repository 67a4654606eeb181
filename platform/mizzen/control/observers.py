"""Who is told while a run happens: the state, the tracker, and whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mizzen.core.plan import Plan
from mizzen.core.runs import StepEvent

if TYPE_CHECKING:
    from mizzen.control.state.verbs import State

Watch = Callable[[StepEvent], None]


def state_writer(state: State, project: str, plan: Plan) -> Watch:
    """Keeps the last event of each step, in the plan's order."""
    positions = {task.name: position for position, task in enumerate(plan.tasks)}

    def write(event: StepEvent) -> None:
        state.runs.record_step(project, event, positions.get(event.step, len(positions)))

    return write


def all_of(watchers: Sequence[Watch]) -> Watch:
    """Tells everybody, in order."""

    def tell(event: StepEvent) -> None:
        for watch in watchers:
            watch(event)

    return tell
