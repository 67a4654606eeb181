"""KFP's compiled pipeline, as a dictionary, read into a `Plan`. Pure.

Groups (conditions, loops, nested pipelines) are flattened: what a group asks for is asked of
every task in it. A construct that no runner of ours executes is an `Unsupported` error with
its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any

from mizzen.core.conditions import names
from mizzen.core.ir_task import argument, skeleton, typed
from mizzen.core.plan import (
    Condition,
    Constant,
    OneOf,
    Output,
    Parameter,
    Plan,
    Pool,
    Source,
    Task,
    Text,
)
from mizzen.errors import Unsupported

Ir = Mapping[str, Any]
_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a group hands down to its tasks. `inputs`: values by the group's input names."""

    inputs: Mapping[str, Source]
    conditions: tuple[Condition, ...] = ()
    after: frozenset[str] = frozenset()
    pools: tuple[Pool, ...] = ()
    suffix: str = ""


@dataclass(slots=True)
class _Made:
    """What one entry of a group became: its tasks and what others may read from it."""

    tasks: list[Task] = field(default_factory=list)
    outputs: dict[str, Source] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(task.name for task in self.tasks)


def read(ir: Ir) -> Plan:
    """The plan of a compiled pipeline.

    Raises:
        Unsupported: it uses a construct that cannot be planned.
    """
    if ir.get("platforms"):
        raise _unsupported("platform settings", ", ".join(ir["platforms"]))
    definitions = ir["root"].get("inputDefinitions", {}).get("parameters", {})
    arguments = tuple(argument(name, definition) for name, definition in definitions.items())
    scope = _Scope({name: Parameter(name) for name in definitions})
    tasks = _Reader(ir).group(ir["root"]["dag"], scope).tasks
    return Plan(ir["pipelineInfo"]["name"], tuple(tasks), arguments)


@dataclass(slots=True)
class _Reader:
    ir: Ir
    taken: set[str] = field(default_factory=set)

    def group(self, dag: Ir, scope: _Scope) -> _Made:
        made: dict[str, _Made] = {}
        for name in _order(dag["tasks"]):
            made[name] = self._entry(name, dag["tasks"][name], scope, made)
        tasks = [task for entry in made.values() for task in entry.tasks]
        return _Made(tasks, dict(_outputs(dag.get("outputs", {}), made)))

    def _entry(self, name: str, node: Ir, scope: _Scope, made: Mapping[str, _Made]) -> _Made:
        _refuse(name, node)
        component = self.ir["components"][node["componentRef"]["name"]]
        inputs = dict(_inputs(name, node, scope, made))
        after = frozenset(n for d in node.get("dependentTasks", ()) for n in made[d].names)
        inner = replace(
            scope,
            inputs=inputs,
            conditions=(*scope.conditions, *_condition(node, inputs)),
            after=scope.after | after,
        )
        if "dag" not in component:
            return self._task(name, node, component, inner)
        if "parameterIterator" in node:
            return self._loop(name, node, component["dag"], inner)
        return self.group(component["dag"], inner)

    def _loop(self, name: str, node: Ir, dag: Ir, scope: _Scope) -> _Made:
        iterator = node["parameterIterator"]
        if "raw" not in iterator["items"]:
            raise _unsupported("dsl.ParallelFor over a value that only a run knows", name)
        limit = node.get("iteratorPolicy", {}).get("parallelismLimit", 0)
        pools = (*scope.pools, *([Pool(name + scope.suffix, limit)] if limit else []))
        whole = _Made()
        for number, item in enumerate(json.loads(iterator["items"]["raw"]), start=1):
            inputs = {**scope.inputs, iterator["itemInput"]: Constant(item)}
            suffix = f"{scope.suffix}.{number}"
            turn = self.group(dag, replace(scope, inputs=inputs, pools=pools, suffix=suffix))
            whole.tasks += turn.tasks
        return whole

    def _task(self, name: str, node: Ir, component: Ir, scope: _Scope) -> _Made:
        executor = self.ir["deploymentSpec"]["executors"][component["executorLabel"]]
        task = skeleton(self._name(name + scope.suffix), node, component, executor)
        given = dict(_declared(component, scope.inputs))
        task = replace(
            task,
            inputs={**task.inputs, **given},
            conditions=scope.conditions,
            after=tuple(sorted(scope.after)),
            pools=scope.pools,
        )
        outputs = {key: Output(task.name, key) for key in (*task.figures, *task.artifacts)}
        return _Made([task], dict(outputs))

    def _name(self, name: str) -> str:
        # Nested pipelines may repeat a name that the outer one uses.
        number, free = 2, name
        while free in self.taken:
            number, free = number + 1, f"{name}-{number}"
        self.taken.add(free)
        return free


def _order(tasks: Ir) -> Iterator[str]:
    graph = {name: sorted(_read_from(node)) for name, node in tasks.items()}
    return iter(tuple(TopologicalSorter(graph).static_order()))


def _read_from(node: Ir) -> set[str]:
    return {*node.get("dependentTasks", ()), *_producers(node.get("inputs", {}))}


def _producers(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("producerTask"), str):
            yield value["producerTask"]
        for inner in value.values():
            yield from _producers(inner)


def _refuse(name: str, node: Ir) -> None:
    strategy = node.get("triggerPolicy", {}).get("strategy", "ALL_UPSTREAM_TASKS_SUCCEEDED")
    if strategy != "ALL_UPSTREAM_TASKS_SUCCEEDED":
        raise _unsupported("dsl.ExitHandler or ignore_upstream_failure", name)
    if "artifactIterator" in node:
        raise _unsupported("dsl.ParallelFor over artifacts", name)


def _condition(node: Ir, inputs: Mapping[str, Source]) -> Iterator[Condition]:
    expression = node.get("triggerPolicy", {}).get("condition")
    if expression:
        used = {name: inputs[name] for name in sorted(names(expression))}
        yield Condition(expression, used)


def _inputs(
    name: str, node: Ir, scope: _Scope, made: Mapping[str, _Made]
) -> Iterator[tuple[str, Source]]:
    given = node.get("inputs", {})
    for key, value in given.get("artifacts", {}).items():
        yield key, _source(name, key, value, scope, made)
    sources = {
        key: _source(name, key, value, scope, made)
        for key, value in given.get("parameters", {}).items()
    }
    for key, source in sources.items():
        yield key, _filled(name, key, source, sources)


def _source(name: str, key: str, value: Ir, scope: _Scope, made: Mapping[str, _Made]) -> Source:
    if "parameterExpressionSelector" in value:
        raise _unsupported("a field of a loop's item", f"{name}.{key}")
    match value:
        case {"componentInputParameter": str(inner)} | {"componentInputArtifact": str(inner)}:
            return scope.inputs[inner]
        case {"runtimeValue": {"constant": constant}}:
            return Constant(constant)
        case {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": output}}:
            return _output(made[producer], output, f"{name}.{key}")
        case {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": output}}:
            return _output(made[producer], output, f"{name}.{key}")
    raise _unsupported("/".join(value) or "an empty input", f"{name}.{key}")


def _output(producer: _Made, key: str, at: str) -> Source:
    if key not in producer.outputs:
        raise _unsupported("dsl.Collected", at)
    return producer.outputs[key]


def _outputs(definition: Ir, made: Mapping[str, _Made]) -> Iterator[tuple[str, Source]]:
    for kind in ("parameters", "artifacts"):
        for name, value in definition.get(kind, {}).items():
            choices = [
                source for selector in _selectors(value) for source in _selected(selector, made)
            ]
            if choices:
                yield name, choices[0] if len(choices) == 1 else OneOf(tuple(choices))


def _selectors(value: Ir) -> Iterable[Ir]:
    match value:
        case {"valueFromParameter": selector}:
            return [selector]
        case {"valueFromOneof": {"parameterSelectors": selectors}}:
            return list(selectors)
    return list(value.get("artifactSelectors", ()))


def _selected(selector: Ir, made: Mapping[str, _Made]) -> Iterator[Output | OneOf]:
    key = selector.get("outputParameterKey", selector.get("outputArtifactKey"))
    source = made[selector["producerSubtask"]].outputs.get(str(key))
    if isinstance(source, Output | OneOf):
        yield source


def _filled(name: str, key: str, source: Source, inputs: Mapping[str, Source]) -> Source:
    if not isinstance(source, Constant):
        return source
    if not isinstance(source.value, str):
        if "{{$." in json.dumps(source.value):
            raise _unsupported("a placeholder inside a structure", f"{name}.{key}")
        return source
    pieces = _PLACEHOLDER.split(source.value)
    if any("{{$" in piece for piece in pieces[::2]):
        raise _unsupported("a placeholder other than of an input", f"{name}.{key}")
    if len(pieces) == 1:
        return source
    parts = [inputs[p] if i % 2 else Constant(p) for i, p in enumerate(pieces)]
    return Text(tuple(part for part in parts if part != Constant("")))


def _declared(component: Ir, inputs: Mapping[str, Source]) -> Iterator[tuple[str, Source]]:
    # The compiler adds inputs that only conditions and texts read; the step knows nothing of them.
    definitions = component.get("inputDefinitions", {})
    for key, source in inputs.items():
        if key in definitions.get("artifacts", {}):
            yield key, source
        elif key in definitions.get("parameters", {}):
            yield key, typed(source, definitions["parameters"][key], key)


def _unsupported(construct: str, at: str) -> Unsupported:
    return Unsupported(
        f"{construct} is not supported",
        given=at,
        next_step="write the pipeline without it, or submit it to Kubeflow Pipelines",
    )
