"""One executable entry of the compiled pipeline, without its place in the graph. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mizzen.core.carried import unpack_structure
from mizzen.core.plan import Argument, Constant, Resources, Retry, Source, Task
from mizzen.errors import Unsupported

STEP = "MIZZEN_STEP"
TIMEOUT = "MIZZEN_TIMEOUT"
Ir = Mapping[str, Any]

_KINDS = {
    "STRING": "str",
    "NUMBER_INTEGER": "int",
    "NUMBER_DOUBLE": "float",
    "BOOLEAN": "bool",
    "STRUCT": "dict",
    "LIST": "list",
}


def argument(name: str, definition: Ir) -> Argument:
    """A parameter of the pipeline."""
    kind = _kind(definition["parameterType"], name)
    default = literal(definition.get("defaultValue"), kind)
    return Argument(name, kind, default, required=not definition.get("isOptional", False))


def skeleton(name: str, node: Ir, component: Ir, executor: Ir) -> Task:
    """The task with everything that does not depend on other tasks.

    Raises:
        Unsupported: it is no container, or names no plain function.
    """
    container = executor.get("container")
    if container is None:
        raise Unsupported(f"{'/'.join(executor)} is not supported", given=name)
    environment = {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}
    if STEP not in environment:
        raise Unsupported(
            f"task {name} names no plain function",
            next_step=f"set it: task.set_env_variable({STEP!r}, 'package.module:run')",
        )
    timeout = environment.pop(TIMEOUT, None)
    inputs = component.get("inputDefinitions", {})
    outputs = component.get("outputDefinitions", {})
    return Task(
        name=name,
        step=environment.pop(STEP),
        inputs=_defaults(inputs.get("parameters", {})),
        artifacts_in=tuple(sorted(inputs.get("artifacts", {}))),
        figures=tuple(sorted(outputs.get("parameters", {}))),
        artifacts=tuple(sorted(outputs.get("artifacts", {}))),
        retry=_retry(node.get("retryPolicy", {})),
        resources=resources(container.get("resources", {})),
        environment=environment,
        timeout=None if timeout is None else float(timeout),
        cache=node.get("cachingOptions", {}).get("enableCache", False),
        image=container["image"],
    )


def typed(source: Source, definition: Ir, name: str) -> Source:
    """A constant as its declared kind; other sources bring their kind with them."""
    if not isinstance(source, Constant):
        return source
    return Constant(literal(source.value, _kind(definition["parameterType"], name)))


def literal(value: Any, kind: str) -> Any:
    """A value of the representation, whose numbers are all floating, as the kind it has.

    Whole numbers inside structures become integers: what was 3 must not arrive as 3.0.
    """
    if value is None or kind in {"str", "bool"}:
        return value
    if kind == "float":
        return float(value)
    return whole(value)


def whole(value: Any) -> Any:
    """Structures as they were before KFP: whole numbers, all floating by now, are integers, and
    what travelled encoded is plain."""
    return _with_integers(unpack_structure(value))


def _with_integers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_integers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_integers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def resources(given: Ir) -> Resources:
    """What an executor's container asks of a machine."""
    cpu = given.get("cpuRequest", given.get("cpuLimit"))
    memory = given.get("memoryRequest", given.get("memoryLimit"))
    accelerator = given.get("accelerator", {})
    return Resources(
        cpu=None if cpu is None else float(cpu),
        memory=None if memory is None else round(float(memory) * 1e9),
        accelerator=accelerator.get("type"),
        accelerators=int(accelerator.get("count", 0)),
    )


def _kind(kind: str, name: str) -> str:
    if kind not in _KINDS:
        raise Unsupported(f"parameters of type {kind} are not supported", given=name)
    return _KINDS[kind]


def _defaults(definitions: Ir) -> dict[str, Constant]:
    return {
        name: Constant(
            literal(definition["defaultValue"], _kind(definition["parameterType"], name))
        )
        for name, definition in definitions.items()
        if "defaultValue" in definition
    }


def _retry(policy: Ir) -> Retry:
    return Retry(
        count=int(policy.get("maxRetryCount", 0)),
        delay=_seconds(policy.get("backoffDuration"), 1.0),
        factor=float(policy.get("backoffFactor", 2.0)),
        ceiling=_seconds(policy.get("backoffMaxDuration"), 3600.0),
    )


def _seconds(duration: str | None, default: float) -> float:
    return default if duration is None else float(duration.removesuffix("s"))
