"""Past rows as traffic to the running service: prepares what `mizzen_serving.replay` sends."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mizzen.control.backends import feature_source, prediction_log, version_of
from mizzen.control.models.registered import RegisteredProject, project_of
from mizzen.control.runs.observers import OnEvent
from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.submit import execute, prepare
from mizzen.control.stack.serving import service_token
from mizzen.control.stack.stack import status
from mizzen.control.workspace import Workspace
from mizzen.core.plan import Constant, Plan, Task
from mizzen.core.runs import RunState
from mizzen.errors import NotFound, StepFailed
from mizzen.state.records import to_jsonable

KEPT = ("snapshot", "validate", "features")


def replay(
    workspace: Workspace,
    start: datetime,
    end: datetime,
    now: datetime,
    on_event: OnEvent | None = None,
    address: str | None = None,
) -> dict[str, Any]:
    """Send the window's rows to the champion, with the features that its own code computes.

    Returns the counts (sent, logged, labelled, ...) and one request as `example`, for anyone who
    wants to try by hand.

    Args:
        address: of the service; of the one that `mizzen up` started when absent.

    Raises:
        NotFound: no service runs.
        StepFailed: the rows or their features could not be made.
    """
    from mizzen_serving.client import Client
    from mizzen_serving.contract import PREDICTION_ID
    from mizzen_serving.replay import replay as send
    from mizzen_serving.traffic import Window

    address = address or status(workspace).service
    if address is None:
        raise NotFound("no service answers for this project", next_step="start it: mizzen up")
    registered = project_of(workspace, version_of(workspace, None))
    rows, sources = _tables(registered, end, now, on_event)
    place, spec = workspace.place, registered.workspace.spec
    log = prediction_log(place)
    source = None
    if spec.features.used_views:
        source = feature_source(place)
    seen: deque[Any] = deque(maxlen=1)
    token = service_token(workspace)
    with Client(address, batch=spec.serving.max_batch, token=token) as client:
        counts = send(
            spec,
            rows,
            sources,
            Window(start, end),
            client=client,
            log=log,
            source=source,
            views=registered.views,
            observe=lambda piece: seen.extend(piece.requests[-1:]),
        )
    example = _by_hand(seen[0]) if seen else {}
    example.pop(PREDICTION_ID, None)
    if spec.data.event_time in example:
        # the store holds the values of the window's end; to earlier requests they are unknown
        example[spec.data.event_time] = end.isoformat()
    return {**asdict(counts), "example": example}


def _by_hand(row: Mapping[str, Any]) -> dict[str, Any]:
    # plain values: tables hold numpy's
    values = {name: getattr(value, "tolist", lambda v=value: v)() for name, value in row.items()}
    plain: dict[str, Any] = to_jsonable(values)
    return plain


def _tables(
    registered: RegisteredProject, end: datetime, now: datetime, on_event: OnEvent | None
) -> Any:
    """The rows until `end` and the views' sources, made by the version's own first steps."""
    from mizzen.adapters.tables import read_table
    from mizzen_components.champion_features import check_views
    from mizzen_components.feature_records import read_records

    workspace, views = registered.workspace, registered.views
    arguments = {"code": registered.code}
    request = RunRequest(title="rows to replay", end=end, trigger="data", arguments=arguments)
    ready = prepare(workspace, request, now)
    ready = replace(ready, plan=_first_steps(ready.plan))
    run = execute(ready, on_event)
    if run.state is not RunState.SUCCEEDED:
        raise StepFailed(f"the rows to replay could not be made: run {run.id} {run.state}")
    steps = {step.name: step for step in workspace.state.runs.steps_of(run.project, run.id)}
    tables = Path(steps["snapshot"].artifacts["tables"])
    folder = Path(steps["features"].artifacts["sources"])
    check_views({view.name: view.record() for view in views}, read_records(folder))
    rows = read_table(tables / f"{workspace.spec.data.rows}.parquet")
    return rows, {view.name: read_table(folder / f"{view.name}.parquet") for view in views}


def _first_steps(plan: Plan) -> Plan:
    """Of the training pipeline; what the past knew does not become the views' present history."""
    tasks = [task for task in plan.tasks if task.name in KEPT]
    return replace(plan, tasks=tuple(_undeclared(task) for task in tasks))


def _undeclared(task: Task) -> Task:
    if "declare" not in task.inputs:
        return task
    return replace(task, inputs={**task.inputs, "declare": Constant(False)})
