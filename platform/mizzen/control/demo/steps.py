"""What each kind of step in a demo does: the same verbs that the command line has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mizzen.control.demo import replay_traffic
from mizzen.control.monitoring import tick as watching_windows
from mizzen.control.runs import finalize
from mizzen.control.runs.observers import OnEvent
from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.submit import execute, prepare, prepare_resume
from mizzen.control.stack import stack
from mizzen.control.timestamps import parse, window
from mizzen.control.workspace import Workspace
from mizzen.core.runs import RunState
from mizzen.errors import NotFound, StepFailed
from mizzen.spec.demo import DemoStep, ReplayStep, TrainStep, WatchStep
from mizzen.state.records import RunRecord


def kind_of(step: DemoStep) -> str:
    """The step's verb."""
    return type(step).__name__.removesuffix("Step").lower()


def train(
    workspace: Workspace,
    step: TrainStep,
    before: str | None,
    begun: Callable[[str], None],
    on_event: OnEvent | None,
) -> dict[str, Any]:
    """Train, or go on with the run that a kill interrupted.

    Args:
        before: the run that this step began earlier.
        begun: called with the run's id before it starts.
    """
    run = _continued(workspace, before, on_event)
    if run is None:
        start, end = window(step.start, step.end)
        request = RunRequest(title=step.title, overrides=step.train, start=start, end=end)
        ready = prepare(workspace, request, datetime.now(UTC))
        begun(ready.run.id)
        run = execute(ready, on_event)
    return _result(workspace, run)


def up(workspace: Workspace) -> dict[str, Any]:
    """Start the stack."""
    found = stack.up(workspace)
    return {"page": found.page, "service": found.service, "version": found.version}


def replay(workspace: Workspace, step: ReplayStep, on_event: OnEvent | None) -> dict[str, Any]:
    """Send past rows as traffic."""
    start, end = window(step.start, step.end)
    if start is None or end is None:
        raise AssertionError(step)  # both are required by the spec
    return replay_traffic.replay(workspace, start, end, datetime.now(UTC), on_event)


def watch(workspace: Workspace, step: WatchStep, observer: OnEvent | None) -> dict[str, Any]:
    """Run the drift job and answer its alarms.

    Raises:
        StepFailed: the demo expects an alarm, or a quiet window, and it is otherwise.
    """
    end = parse(step.end, "until")
    windows = watching_windows.inspect(workspace, end).windows
    newest = [
        max((found for found in windows if found.kind == kind), key=lambda found: found.end)
        for kind in dict.fromkeys(found.kind for found in windows)
    ]
    alarmed = any(found.alarm for found in newest)
    judged = alarmed or any(found.judged for found in newest if found.kind == "drift")
    outcome = "alarm" if alarmed else next(w.verdict for w in newest if w.judged == judged)
    if step.expect is not None and outcome != step.expect:
        raise StepFailed(
            "the drift job found something else than the demo expects",
            given=outcome,
            allowed=step.expect,
            next_step="read the report: " + ", ".join(str(w.report) for w in windows),
        )
    answered = watching_windows.tick(workspace, end, observer).retrained
    result: dict[str, Any] = {
        "found": outcome,
        "alarm": alarmed,
        "judged": judged,
        "windows": windows,
        "reports": [found.report for found in windows if found.report],
        "decisions": [answer.decision.reason for answer in answered],
    }
    for answer in answered:
        if answer.run is not None:
            result |= _result(workspace, answer.run)
    return result


def _continued(
    workspace: Workspace, run_id: str | None, on_event: OnEvent | None
) -> RunRecord | None:
    if run_id is None:
        return None
    try:
        run = finalize.detect_interrupted(
            workspace, workspace.state.runs.get(workspace.spec.name, run_id)
        )
    except NotFound:
        return None
    if run.state is RunState.SUCCEEDED:
        return run
    return execute(prepare_resume(workspace, run.id), on_event) if run.state.ended else None


def _result(workspace: Workspace, run: RunRecord) -> dict[str, Any]:
    if run.state is not RunState.SUCCEEDED:
        raise finalize.failure(run, f" --project {workspace.folder}")
    steps = {step.name: step for step in workspace.state.runs.steps_of(run.project, run.id)}
    champion = workspace.state.models.champion(workspace.spec.name)
    verdict = steps["evaluate"].figures if "evaluate" in steps else {}
    return {
        "run": run.id,
        "version": run.version,
        "champion": None if champion is None else champion.version,
        "metric": verdict.get("metric"),
        "value": verdict.get("value"),
        "verdict": verdict.get("reason"),
    }
