"""What differs between two runs, or two versions: description, data, code, figures.

Read from the state and the run's folder alone, so it answers at once and without libraries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mizzen.control.runs.request import read_request
from mizzen.control.workspace import Workspace
from mizzen.errors import NotFound
from mizzen.state.records import RunRecord


@dataclass(frozen=True, slots=True)
class Comparison:
    """Each mapping: name -> (value of the first, value of the second), differing ones only.
    `figures`: the scalars of all steps as `step.figure`."""

    first: str
    second: str
    description: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    arguments: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    figures: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def compare_runs(workspace: Workspace, first: str, second: str) -> Comparison:
    """Two runs by their ids."""
    name = workspace.spec.name
    return _compare(
        workspace,
        workspace.state.runs.get(name, first),
        workspace.state.runs.get(name, second),
    )


def compare_versions(workspace: Workspace, first: int, second: int) -> Comparison:
    """Two versions by their numbers, through the runs that registered them."""
    one, other = (_run_of(workspace, number) for number in (first, second))
    found = _compare(workspace, one, other)
    return Comparison(
        f"version {first}", f"version {second}", found.description, found.arguments, found.figures
    )


def _run_of(workspace: Workspace, number: int) -> RunRecord:
    version = workspace.state.models.get_version(workspace.spec.name, number)
    return workspace.state.runs.get(workspace.spec.name, version.run)


def _compare(workspace: Workspace, one: RunRecord, other: RunRecord) -> Comparison:
    return Comparison(
        one.id,
        other.id,
        _differing(_description(one), _description(other)),
        _differing(one.arguments, other.arguments),
        _differing(_figures(workspace, one), _figures(workspace, other)),
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


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [*one, *(name for name in other if name not in one)]
    pairs = {name: (one.get(name), other.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
