"""Plans of tiny steps that end as the training pipeline does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mizzen.core.plan import Argument, Constant, Plan, Task

STEPS = "tiny_steps"


def judged(*, number: int = 1, blessed: bool = True, before: tuple[Task, ...] = ()) -> Plan:
    """A plan that evaluates and registers, as the training pipeline does."""
    evaluate = Task(
        "evaluate",
        f"{STEPS}:evaluate",
        {"blessed": Constant(blessed), "value": Constant(0.8)},
        figures=("metric", "value", "champion_value", "blessed", "reason"),
        after=frozenset(task.name for task in before),
    )
    register = Task(
        "register",
        f"{STEPS}:register",
        {"number": Constant(number)},
        figures=("version",),
        after=frozenset({"evaluate"}),
    )
    arguments = (Argument("code", "str", "", False), Argument("champion", "str", "", False))
    tasks = (*before, evaluate, register) if blessed else (*before, evaluate)
    return Plan("tiny", tasks, arguments)


def reported(metrics: str) -> Plan:
    """A plan whose evaluation leaves the report of these metrics (JSON), and whose gate holds."""
    plan = judged(blessed=False)
    evaluate = replace(
        plan.tasks[0],
        step=f"{STEPS}:evaluate_with_report",
        inputs={"metrics": Constant(metrics)},
        artifacts=("evaluation",),
    )
    return replace(plan, tasks=(evaluate,))


def waiting(file: Path) -> Task:
    """A step that waits until `<file>.go` is there."""
    return Task("wait", f"{STEPS}:wait", {"file": Constant(str(file))}, cache=False)
