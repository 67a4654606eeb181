"""A pipeline as a value: what runs, after what, with which inputs.

`mizzen.core.ir` reads a compiled pipeline into a `Plan`; a runner executes or renders it.
Loops are already unrolled and nested groups flattened: a plan is a flat graph of tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from mizzen.core.file_names import is_plain_name
from mizzen.errors import InvalidProject, UserError


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written into the pipeline."""

    value: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of the run."""

    name: str


@dataclass(frozen=True, slots=True)
class Output:
    """A scalar or an artifact that another task made."""

    task: str
    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """The first choice whose task was not skipped (`dsl.OneOf`)."""

    choices: tuple[Output | OneOf, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Constant pieces and scalar sources, joined into one string (an f-string in the DSL)."""

    parts: tuple[Source, ...]


Source = Constant | Parameter | Output | OneOf | Text


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression in the compiler's notation; `inputs` tells what its names stand for."""

    expression: str
    inputs: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """`count` more attempts; the n-th waits `delay * factor**(n-1)` seconds, at most `ceiling`."""

    count: int = 0
    delay: float = 1.0
    factor: float = 2.0
    ceiling: float = 3600.0

    def wait(self, attempt: int) -> float:
        """Seconds between the end of attempt `attempt` (from 1) and the next one."""
        return float(min(self.ceiling, self.delay * self.factor ** (attempt - 1)))


@dataclass(frozen=True, slots=True)
class Resources:
    """What a task asks for; `memory` in bytes. `accelerator` is a resource name."""

    cpu: float | None = None
    memory: int | None = None
    accelerator: str | None = None
    accelerators: int = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """At most `limit` tasks of one pool run at once (`dsl.ParallelFor(parallelism=...)`)."""

    name: str
    limit: int


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a run.

    `step`: the plain function, as `module:function`. `artifacts_in`: those `inputs` that are
    files or folders. `figures`: names of scalar outputs; `artifacts`: of files or folders.
    `conditions`: all must hold, else the task is skipped.
    """

    name: str
    step: str
    inputs: Mapping[str, Source] = field(default_factory=dict)
    artifacts_in: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    after: tuple[str, ...] = ()
    retry: Retry = Retry()
    resources: Resources = Resources()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    cache: bool = True
    pools: tuple[Pool, ...] = ()
    image: str = ""

    def __post_init__(self) -> None:
        # they become names of folders, and plans are read from files again
        for name in (self.name, *self.artifacts):
            if not is_plain_name(name):
                raise InvalidProject(
                    "a task or an output of a pipeline has a name that no folder may have",
                    given=repr(name),
                    allowed="a text without / that is neither . nor ..",
                )

    @property
    def needs(self) -> frozenset[str]:
        """Tasks that must have ended, or been skipped, before this one is looked at."""
        sources = [*self.inputs.values()]
        for condition in self.conditions:
            sources += condition.inputs.values()
        return frozenset(self.after) | {name for source in sources for name in producers(source)}


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of the pipeline; `kind` is one of str, int, float, bool, dict, list."""

    name: str
    kind: str
    default: Any = None
    required: bool = True


_KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "dict": (dict,),
    "list": (list, tuple),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """All tasks of a pipeline, each after those that it needs.

    Raises:
        InvalidProject: a task needs an unknown task, or tasks need one another in a circle.
    """

    name: str
    tasks: tuple[Task, ...]
    arguments: tuple[Argument, ...] = ()

    def __post_init__(self) -> None:
        known = {task.name: task for task in self.tasks}
        graph = {task.name: sorted(task.needs) for task in self.tasks}
        for name, needs in graph.items():
            for missing in set(needs) - set(known):
                raise InvalidProject(f"task {name} needs {missing}, which is not in the pipeline")
        try:
            order = TopologicalSorter(graph).static_order()
            object.__setattr__(self, "tasks", tuple(known[name] for name in order))
        except CycleError as error:
            raise InvalidProject(
                "tasks need one another in a circle", given=error.args[1]
            ) from None

    def task(self, name: str) -> Task:
        """One task by its name."""
        return next(task for task in self.tasks if task.name == name)

    def bind(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The run's arguments with defaults filled in.

        Raises:
            UserError: an argument is missing, unknown or of another kind.
        """
        known = {argument.name: argument for argument in self.arguments}
        for name in given:
            if name not in known:
                raise UserError(
                    f"pipeline {self.name} has no parameter {name!r}", allowed=", ".join(known)
                )
        return {name: _bound(argument, given) for name, argument in known.items()}


def _bound(argument: Argument, given: Mapping[str, Any]) -> Any:
    if argument.name not in given:
        if argument.required:
            raise UserError(f"parameter {argument.name!r} is not given", allowed=argument.kind)
        return argument.default
    value = given[argument.name]
    right = isinstance(value, _KINDS[argument.kind])
    if not right or (isinstance(value, bool) and argument.kind != "bool"):
        raise UserError(
            f"parameter {argument.name!r} is of the wrong kind",
            given=repr(value),
            allowed=argument.kind,
        )
    return float(value) if argument.kind == "float" else value


def producers(source: Source) -> Iterator[str]:
    """Names of the tasks that a source reads."""
    match source:
        case Output(task, _):
            yield task
        case OneOf(choices):
            for choice in choices:
                yield from producers(choice)
        case Text(parts):
            for part in parts:
                yield from producers(part)
