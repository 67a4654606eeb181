"""What differs between runs, or versions: description, data, code, figures.

Read from the state and the run's folder alone, so it answers at once and without libraries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mizzen.control.runs.request import read_request
from mizzen.control.workspace import Workspace
from mizzen.errors import NotFound, UserError
from mizzen.state.records import RunRecord


@dataclass(frozen=True, slots=True)
class Comparison:
    """Each mapping: name -> the values in the order of `names`, differing ones only; None where
    one has no such thing. `figures`: the scalars of all steps as `step.figure`."""

    names: tuple[str, ...]
    description: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    arguments: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    figures: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


def compare_runs(workspace: Workspace, ids: Sequence[str]) -> Comparison:
    """Runs by their ids.

    Raises:
        UserError: fewer than two.
    """
    _refuse_one(ids)
    runs = [workspace.state.runs.get(workspace.spec.name, run_id) for run_id in ids]
    return _compare(workspace, runs, tuple(run.id for run in runs))


def compare_versions(workspace: Workspace, numbers: Sequence[int]) -> Comparison:
    """Versions by their numbers, through the runs that registered them; see `compare_runs`."""
    _refuse_one(numbers)
    runs = [_run_of(workspace, number) for number in numbers]
    return _compare(workspace, runs, tuple(f"version {number}" for number in numbers))


def _refuse_one(given: Sequence[object]) -> None:
    if len(given) < 2:
        raise UserError(
            "a comparison needs something to compare with",
            given=", ".join(map(str, given)) or "nothing",
            allowed="two or more",
        )


def _run_of(workspace: Workspace, number: int) -> RunRecord:
    version = workspace.state.models.get_version(workspace.spec.name, number)
    return workspace.state.runs.get(workspace.spec.name, version.run)


def _compare(workspace: Workspace, runs: Sequence[RunRecord], names: tuple[str, ...]) -> Comparison:
    return Comparison(
        names,
        _differing([_description(run) for run in runs]),
        _differing([run.arguments for run in runs]),
        _differing([_figures(workspace, run) for run in runs]),
    )


def _description(run: RunRecord) -> dict[str, Any]:
    try:
        spec = read_request(Path(run.folder)).spec
    except NotFound:
        return {}
    return dict(_flat(spec.model_dump(mode="json", by_alias=True), ""))


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _figures(workspace: Workspace, run: RunRecord) -> dict[str, Any]:
    steps = workspace.state.runs.steps_of(run.project, run.id)
    return {f"{step.name}.{name}": v for step in steps for name, v in step.figures.items()}


def _differing(each: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    names = dict.fromkeys(name for values in each for name in values)
    rows = {name: tuple(values.get(name) for values in each) for name in names}
    return {name: row for name, row in rows.items() if any(value != row[0] for value in row)}
