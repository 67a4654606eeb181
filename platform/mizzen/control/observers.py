"""Who is told while a run happens: the state, the tracker, and whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mizzen.control.state import Database, runs
from mizzen.core.plan import Plan
from mizzen.core.runs import StepEvent

Watch = Callable[[StepEvent], None]


def state_writer(database: Database, plan: Plan) -> Watch:
    """Keeps the last event of each step, in the plan's order."""
    positions = {task.name: position for position, task in enumerate(plan.tasks)}

    def write(event: StepEvent) -> None:
        runs.record_step(database, event, positions.get(event.step, len(positions)))

    return write


def all_of(watchers: Sequence[Watch]) -> Watch:
    """Tells everybody, in order."""

    def tell(event: StepEvent) -> None:
        for watch in watchers:
            watch(event)

    return tell
