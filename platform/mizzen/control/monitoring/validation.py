"""What the newest snapshot's validation says to a retraining.

The verdict is read from the run that took the snapshot: it is in the state, wherever the steps ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mizzen.control.runs.inputs import source_digest
from mizzen.control.workspace import Workspace
from mizzen.core.guard import RetrainRequest
from mizzen.core.runs import StepState
from mizzen.errors import InvalidData
from mizzen.state.records import RunRecord

VALIDATE = "validate"
_RUNS = 100  # how far back a verdict is looked for: each run without one costs a question
_FEW = 5
_PASSED = (StepState.SUCCEEDED, StepState.CACHED)


def with_validation(workspace: Workspace, request: RetrainRequest) -> RetrainRequest:
    """The request with what is known of the data that it would learn from.

    A snapshot that failed says nothing any more once the files that it was taken from changed:
    the next one is validated in turn. Rows of a database are not known to have changed; there a
    person takes the next snapshot (`mizzen run`).

    Raises:
        InvalidProject: a file of the source does not exist.
    """
    for run in _newest_runs(workspace):
        passed = _verdict(workspace, run)
        if passed is None:
            continue
        if not passed and run.arguments.get("source_digest") != source_digest(workspace):
            return request
        return replace(request, data_valid=passed, validated_by=run.id)
    return request


def _newest_runs(workspace: Workspace) -> Iterator[RunRecord]:
    """Mostly the newest ones tell: the others are read only where they do not."""
    read, name = workspace.state.runs.newest_first, workspace.spec.name
    few = read(name, limit=_FEW)
    yield from few
    if len(few) == _FEW:
        known = {run.id for run in few}
        yield from (run for run in read(name, limit=_RUNS) if run.id not in known)


def _verdict(workspace: Workspace, run: RunRecord) -> bool | None:
    """Whether the run's snapshot passed; None where it took none, or nobody could judge it."""
    if run.kind != "training":
        return None
    for step in workspace.state.runs.steps_of(run.project, run.id):
        if step.name != VALIDATE:
            continue
        if step.state in _PASSED:
            return True
        error = step.error or {}
        if step.state is StepState.FAILED and error.get("error") == InvalidData.__name__:
            return False
    return None
