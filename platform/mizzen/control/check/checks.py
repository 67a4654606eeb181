"""All checks in the order of fixing: description, code, names, machine, data, images."""

from __future__ import annotations

import os
from pathlib import Path

from mizzen.adapters.files.digests import source_files, source_inputs
from mizzen.control.check.code import check_code
from mizzen.control.check.dependencies import check_dependencies, unnamed
from mizzen.control.check.drift_windows import check_window
from mizzen.control.check.finding import Finding, refused
from mizzen.control.check.images import check_images
from mizzen.control.check.monitoring import check_quality
from mizzen.control.check.names import check_names
from mizzen.control.check.schedule import check_schedule
from mizzen.control.runs.preflight import check_resources, this_machine
from mizzen.control.workspace import Workspace
from mizzen.core.environment import record
from mizzen.errors import MizzenError
from mizzen.spec.demo import DemoScript
from mizzen.spec.load import PROFILES, load_model, load_profile
from mizzen.spec.project import ProjectSpec

DEMO_FILE = "demo.yaml"


def check(
    workspace: Workspace,
    with_data: bool = False,
    with_images: bool = False,
    sbom: Path | None = None,
) -> list[Finding]:
    """Everything found, without running the project's code unless `with_data`; `sbom` is that of
    `check_images`. Data and images are looked at only while nothing before them is an error."""
    spec, folder = workspace.spec, workspace.folder
    found = [Finding("ok", "mizzen.yaml", f"{spec.name}: {spec.task}")]
    found += [
        *_profiles(folder),
        *_story(folder),
        *check_code(folder, spec),
        *_inputs(folder, spec),
        *check_dependencies(spec),
        *_environment(spec),
    ]
    found += [*check_names(spec), *check_window(spec), *check_quality(spec)]
    found += check_schedule(spec)
    found += _machine(workspace)
    if _sound(found):
        found += unnamed(folder, spec)
    if with_data and _sound(found):
        from mizzen.control.check.data import check_data

        found += check_data(workspace)
    if with_images and _sound(found):
        found += check_images(workspace, sbom)
    return found


def _sound(found: list[Finding]) -> bool:
    return not any(finding.level == "error" for finding in found)


def _profiles(folder: Path) -> list[Finding]:
    found = []
    for file in sorted((folder / PROFILES).glob("*.yaml")):
        try:
            load_profile(folder, file.stem)
            found.append(Finding("ok", "profile", file.stem))
        except MizzenError as error:
            found.append(refused("profile", error))
    return found


def _story(folder: Path) -> list[Finding]:
    if not (folder / DEMO_FILE).exists():
        return []
    try:
        demo = load_model(folder / DEMO_FILE, DemoScript, "")
    except MizzenError as error:
        return [refused(DEMO_FILE, error)]
    return [Finding("ok", DEMO_FILE, f"{len(demo.steps)} steps")]


def _inputs(folder: Path, spec: ProjectSpec) -> list[Finding]:
    names, field = source_inputs(spec.data.source)
    found = []
    for name in names:
        if name.startswith("package:"):
            continue
        try:
            files = source_files(folder, name, field)
            found.append(Finding("ok", field, f"{name}: {len(files)} files"))
        except MizzenError as error:
            found.append(refused(field, error))
    return found


def _environment(spec: ProjectSpec) -> list[Finding]:
    """The same refusal as a run's, before one; no value is shown."""
    found = []
    for variable in spec.environment:
        try:
            record([variable], os.environ, b"")
        except MizzenError as error:
            found.append(refused("environment", error))
        else:
            state = "set" if variable.name in os.environ else "by default"
            found.append(Finding("ok", "environment", f"{variable.name}: {state}"))
    return found


def _machine(workspace: Workspace) -> list[Finding]:
    resources = workspace.spec.trainer.resources
    try:
        machine = this_machine(with_gpus=resources.gpu is not None)
        check_resources(resources, machine, workspace.place.profile.runner)
    except MizzenError as error:
        return [refused("trainer.resources", error)]
    return [Finding("ok", "machine", "has what trainer.resources asks for")]
