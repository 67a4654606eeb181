"""A plan as JSON and back: what a run's folder keeps, so that a run resumes as submitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeGuard

from mizzen.core.plan import (
    Argument,
    Condition,
    Constant,
    OneOf,
    Output,
    Parameter,
    Plan,
    Pool,
    Resources,
    Retry,
    Source,
    Task,
    Text,
)

Json = Mapping[str, Any]


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-ready values."""
    return {
        "name": plan.name,
        "arguments": [asdict(argument) for argument in plan.arguments],
        "tasks": [_task(task) for task in plan.tasks],
    }


def from_json(document: Json) -> Plan:
    """The inverse of `to_json`."""
    arguments = tuple(Argument(**argument) for argument in document["arguments"])
    return Plan(document["name"], tuple(map(_read_task, document["tasks"])), arguments)


def _task(task: Task) -> dict[str, Any]:
    plain = ("name", "step", "figures", "artifacts", "timeout", "cache", "image")
    return {
        **{name: getattr(task, name) for name in plain},
        "inputs": {name: _source(source) for name, source in task.inputs.items()},
        "artifacts_in": list(task.artifacts_in),
        "conditions": [
            {"expression": c.expression, "inputs": {n: _source(s) for n, s in c.inputs.items()}}
            for c in task.conditions
        ],
        "after": list(task.after),
        "retry": asdict(task.retry),
        "resources": asdict(task.resources),
        "environment": dict(task.environment),
        "pools": [asdict(pool) for pool in task.pools],
    }


def _read_task(document: Json) -> Task:
    return Task(
        **{
            **document,
            "inputs": _read_sources(document["inputs"]),
            "artifacts_in": tuple(document["artifacts_in"]),
            "figures": tuple(document["figures"]),
            "artifacts": tuple(document["artifacts"]),
            "conditions": tuple(
                Condition(c["expression"], _read_sources(c["inputs"]))
                for c in document["conditions"]
            ),
            "after": tuple(document["after"]),
            "retry": Retry(**document["retry"]),
            "resources": Resources(**document["resources"]),
            "pools": tuple(Pool(**pool) for pool in document["pools"]),
        }
    )


def _source(source: Source) -> list[Any]:
    match source:
        case Constant(value):
            return ["constant", value]
        case Parameter(name):
            return ["parameter", name]
        case Output(task, name):
            return ["output", task, name]
        case OneOf(choices):
            return ["one of", *map(_source, choices)]
        case Text(parts):
            return ["text", *map(_source, parts)]


def _read_sources(documents: Json) -> dict[str, Source]:
    return {name: _read_source(document) for name, document in documents.items()}


def _read_source(document: list[Any]) -> Source:
    match document:
        case ["constant", value]:
            return Constant(value)
        case ["parameter", name]:
            return Parameter(name)
        case ["output", task, name]:
            return Output(task, name)
        case ["one of", *choices]:
            return OneOf(tuple(c for c in map(_read_source, choices) if _is_output(c)))
        case ["text", *parts]:
            return Text(tuple(map(_read_source, parts)))
    raise ValueError(f"no source: {document!r}")


def _is_output(source: Source) -> TypeGuard[Output | OneOf]:
    return isinstance(source, Output | OneOf)
