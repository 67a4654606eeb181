"""Runs as a list for people who compare models: what each measured, the verdict, what it changed.

Everything comes from the state, so a list costs two questions however long it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from mizzen.control.runs import finalize
from mizzen.control.workspace import Workspace
from mizzen.core.runs import RunState, RunVerdict
from mizzen.errors import UserError
from mizzen.state.records import RunRecord, VersionRecord

if TYPE_CHECKING:
    from mizzen.core.metrics import Metric

MOST = 10_000  # runs that are looked through, newest first
LIMIT = 50
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class RunSummary(RunRecord):
    """A run with what a list shows of it. `value` is that of `metric`: of the one that the list
    is sorted by, else of the run's primary one; None without one. `verdict`: None before the
    evaluation. `same_as`: the version of another run that is the same model."""

    metric: str | None = None
    value: float | None = None
    verdict: RunVerdict | None = None
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs, in which order: newest first, or the best first by the metric `sort`. `best`:
    that many of them, by the primary metric unless `sort` names another."""

    limit: int = LIMIT
    sort: str | None = None
    best: int | None = None
    state: RunState | None = None
    verdict: RunVerdict | None = None

    @property
    def newest(self) -> bool:
        """Whether the newest runs answer it."""
        return (self.sort, self.best, self.state, self.verdict) == (None, None, None, None)


def query(
    limit: int, sort: str | None, best: int | None, state: str | None, verdict: str | None
) -> RunQuery:
    """A query from plain values.

    Raises:
        UserError: a number below 1, or an unknown state or verdict.
    """
    for name, number in (("limit", limit), ("best", best)):
        if number is not None and number < 1:
            raise UserError(f"{name} is no number of runs", given=number, allowed="1 or more")
    return RunQuery(
        limit,
        sort,
        best,
        _one_of(RunState, state, "state"),
        _one_of(RunVerdict, verdict, "verdict"),
    )


def list_runs(workspace: Workspace, wanted: RunQuery) -> list[RunSummary]:
    """The runs that a query asks for.

    Raises:
        InvalidProject: the task has no such metric; those that it has are named.
    """
    metric = _metric(workspace, wanted)
    found = _summaries(workspace, wanted.limit if wanted.newest else MOST, metric)
    chosen = [
        run
        for run in found
        if wanted.state in {None, run.state} and wanted.verdict in {None, run.verdict}
    ]
    if metric is not None:
        chosen.sort(key=lambda run: _rank(run, metric))
    return chosen[: wanted.best or wanted.limit]


def _one_of(kind: type[E], value: str | None, name: str) -> E | None:
    if value is None:
        return None
    if value not in list(kind):
        raise UserError(f"no such {name} of a run", given=value, allowed=", ".join(kind))
    return kind(value)


def _metric(workspace: Workspace, wanted: RunQuery) -> Metric | None:
    if wanted.sort is None and wanted.best is None:
        return None
    from mizzen.core.metrics import find_metric

    spec = workspace.spec
    name = wanted.sort or spec.evaluation.metrics[0]
    return find_metric(name, spec.task, "sort by one of these")


def _summaries(workspace: Workspace, limit: int, metric: Metric | None) -> list[RunSummary]:
    name, state = workspace.spec.name, workspace.state
    runs = [
        finalize.detect_interrupted(workspace, run) for run in state.runs.newest_first(name, limit)
    ]
    registered = any(run.version is not None for run in runs)
    versions = state.models.all_versions(name) if registered else []
    makers = _makers(runs, versions)
    return [_summary(run, makers.get(run.version or 0, run.id), metric) for run in runs]


def _makers(runs: Sequence[RunRecord], versions: Sequence[VersionRecord]) -> dict[int, str]:
    """The first run of each version. A version that was blessed later names the run of then."""
    listed = {run.id for run in runs}
    found = {version.number: version.run for version in versions if version.run not in listed}
    for run in reversed(runs):
        if run.version is not None:
            found.setdefault(run.version, run.id)
    return found


def _summary(run: RunRecord, maker: str, metric: Metric | None) -> RunSummary:
    """`maker`: the run that made this run's version."""
    found, same = run.evaluation, maker != run.id
    verdict = None
    if found is not None:
        verdict = RunVerdict.BLESSED if found.blessed else RunVerdict.HELD
    name = metric.name if metric else found.metric if found else None
    value = None if found is None or name is None else found.metrics.get(name)
    return RunSummary(
        **{field.name: getattr(run, field.name) for field in fields(RunRecord)},
        metric=name,
        value=value,
        verdict=RunVerdict.SAME if same else verdict,
        same_as=run.version if same else None,
    )


def _rank(run: RunSummary, metric: Metric) -> tuple[bool, float]:
    """Better ones before, runs without a value last; of equal ones the newer stays before."""
    return run.value is None, -metric.gain(run.value or 0.0, 0.0)
