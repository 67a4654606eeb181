"""What every task of our pipelines gets: its plain function, its libraries, its resources."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from kfp.dsl import PipelineTask  # type: ignore[import-untyped]

from mizzen.adapters.images.contents import smallest
from mizzen.core.manifest import DEPENDENCIES
from mizzen.spec.data import PythonSource
from mizzen.spec.duration import to_timedelta
from mizzen.spec.project import ProjectSpec
from mizzen.spec.requirements import name_of
from mizzen.spec.training import Resources, Trainer
from mizzen_pipelines.sections import section

# Distributions whose version belongs to a step's cache key.
FRAMES = ("numpy", "pandas", "pyarrow")
# What a compiled command starts in its image; no part of a key: our runners start no executor.
EXECUTOR = "kfp"
# Sections of the profile whose address belongs to a step's cache key: what a step leaves in one
# registry or store, or finds in it, is not in another.
SERVICES = {
    "snapshot": ("data_store",),
    "features": ("feature_store",),
    "evaluate": ("tracking",),
    "register": ("tracking",),
    "predict": ("tracking",),
}
# Functions that say whether a remembered result of a step still holds, where that depends on more
# than its key: on files that its own code read, on what a store holds now.
HOLDS = {"features": "mizzen_components.feature_records:holds"}
FRAMEWORKS = {"torch": ("torch", "safetensors"), "lightgbm": ("lightgbm",)}


def step(
    task: PipelineTask,
    name: str,
    *libraries: str,
    own: tuple[str, ...] = (),
    image: str | None = None,
) -> PipelineTask:
    """Name a task's plain function, and the libraries and services that its result depends on.

    Args:
        own: the project's dependencies; whether an image holds them is checked before a run.
        image: what the step runs in on a cluster; the smallest of Mizzen's images that holds the
            libraries when absent.
    """
    needed = sorted({*FRAMES, *libraries})
    theirs = sorted(name_of(requirement) for requirement in own)
    task.set_env_variable("MIZZEN_STEP", f"mizzen_components.{name}:run")
    task.set_env_variable("MIZZEN_LIBRARIES", ",".join(sorted({*needed, *theirs})))
    if theirs:
        task.set_env_variable(DEPENDENCIES, ",".join(theirs))
    if name in SERVICES:
        task.set_env_variable("MIZZEN_SERVICES", ",".join(SERVICES[name]))
    if name in HOLDS:
        task.set_env_variable("MIZZEN_HOLDS", HOLDS[name])
    return task.set_container_image(
        image or f"mizzen/{smallest([*needed, EXECUTOR], theirs)}:{version('mizzen')}"
    )


def framework(trainer: Trainer) -> tuple[str, ...]:
    """Distributions behind a trainer; none is known for the project's own."""
    return FRAMEWORKS.get(trainer.kind, ())


def fitted_by(trainer: Trainer) -> dict[str, Any]:
    """The trainer's section as the training step gets it: what the task itself obeys stays out,
    so that another timeout does not train again."""
    return section(trainer.model_copy(update={"timeout": None, "retries": 0}))


def reads_inputs(spec: ProjectSpec) -> bool:
    """Whether the project lists files that its own code reads, beside what steps hand on."""
    return isinstance(spec.data.source, PythonSource) and bool(spec.data.source.inputs)


def for_trainer(task: PipelineTask, trainer: Trainer) -> PipelineTask:
    """The training task with the trainer's resources, retries and timeout."""
    _resources(task, trainer.resources)
    if trainer.retries:
        task.set_retry(
            trainer.retries,
            backoff_duration="1s",
            backoff_factor=2.0,
            backoff_max_duration="60s",
        )
    if trainer.timeout is not None:
        seconds = to_timedelta(trainer.timeout).total_seconds()
        task.set_env_variable("MIZZEN_TIMEOUT", f"{seconds:g}")
    return task


def _resources(task: PipelineTask, resources: Resources) -> None:
    cpu = str(resources.cpu * resources.processes_per_node)
    task.set_cpu_request(cpu).set_cpu_limit(cpu)
    task.set_memory_request(resources.memory).set_memory_limit(resources.memory)
    if resources.gpu is not None:
        task.set_accelerator_type(resources.gpu.type).set_accelerator_limit(resources.gpu.count)
    if resources.processes_per_node > 1:
        task.set_env_variable("MIZZEN_THREADS", str(resources.cpu))
    if resources.nodes > 1:
        task.set_env_variable("MIZZEN_NODES", str(resources.nodes))
