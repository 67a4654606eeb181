"""From a task's sources to its values, with what the tasks before it returned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mizzen.core.conditions import holds
from mizzen.core.plan import Constant, OneOf, Output, Parameter, Source, Task, Text, producers
from mizzen.errors import StepFailed


@dataclass(frozen=True, slots=True)
class Artifact:
    """An output on this machine and the hash of its content."""

    path: Path
    hash: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished task left; `skipped` ones left nothing."""

    figures: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """A task's inputs, resolved."""

    values: Mapping[str, Any]
    artifacts: Mapping[str, Artifact]


class InputResolver:
    """Arguments of the run and results so far."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self.results: dict[str, Result] = {}

    def wanted(self, task: Task) -> bool:
        """Whether all conditions hold; the first false one ends the question.

        Raises:
            StepFailed: one cannot be evaluated.
        """
        return all(
            holds(condition.expression, self._known(condition.inputs))
            for condition in task.conditions
        )

    def inputs(self, task: Task) -> Inputs:
        """The task's inputs.

        Raises:
            StepFailed: one was to come from a task that was skipped.
        """
        resolved = {name: self._value(source, task.name) for name, source in task.inputs.items()}
        artifacts = {name: resolved[name] for name in task.artifacts_in if name in resolved}
        values = {name: v for name, v in resolved.items() if name not in task.artifacts_in}
        return Inputs(values, artifacts)

    def _known(self, sources: Mapping[str, Source]) -> dict[str, Any]:
        # What a skipped task did not return stays out: such a condition cannot be evaluated.
        return {
            name: self._value(source, name)
            for name, source in sources.items()
            if not any(self.results[producer].skipped for producer in producers(source))
            or isinstance(source, OneOf)
        }

    def _value(self, source: Source, reader: str) -> Any:
        match source:
            case Constant(value):
                return value
            case Parameter(name):
                return self._arguments[name]
            case Text(parts):
                return "".join(_text(self._value(part, reader)) for part in parts)
            case OneOf(choices):
                return self._value(self._chosen(choices, reader), reader)
            case Output(task, name):
                return self._output(task, name, reader)

    def _chosen(self, choices: tuple[Output | OneOf, ...], reader: str) -> Output | OneOf:
        for choice in choices:
            if not all(self.results[producer].skipped for producer in producers(choice)):
                return choice
        raise StepFailed(f"{reader} reads the output of a branch, but every branch was skipped")

    def _output(self, task: str, name: str, reader: str) -> Any:
        result = self.results[task]
        if name in result.artifacts:
            return result.artifacts[name]
        if name in result.figures:
            return result.figures[name]
        why = "was skipped" if result.skipped else "did not return it"
        raise StepFailed(f"{reader} reads {task}.{name}, but {task} {why}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
