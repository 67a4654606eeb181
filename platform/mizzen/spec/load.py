"""Reading mizzen.yaml, profiles and demos. Every front door reads descriptions here and
nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mizzen.errors import InvalidProject
from mizzen.spec.profile import Profile
from mizzen.spec.project import ProjectSpec
from mizzen.spec.requirements import read_requirements
from mizzen.spec.text import Document, read

M = TypeVar("M", bound=BaseModel)
PROJECT_FILE = "mizzen.yaml"
PROFILES = "profiles"
_PROFILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}")


def load_project(folder: Path, overrides: Mapping[str, Any] | None = None) -> ProjectSpec:
    """The project described in `folder`.

    Args:
        folder: the folder that holds `mizzen.yaml`.
        overrides: dotted field -> value, applied before validation (`{"gate.margin": 0.01}`).

    Raises:
        InvalidProject: no file, no YAML, or a field that is not allowed.
    """
    next_step = "go to a project's folder, or make one: mizzen init my-project"
    return load_model(folder / PROJECT_FILE, ProjectSpec, next_step, overrides, _with_files)


def load_profile(folder: Path, name: str = "local") -> Profile:
    """`profiles/<name>.yaml` of the project; `local` needs no file.

    Raises:
        InvalidProject: no such profile, or one that is not right.
    """
    if _PROFILE.fullmatch(name) is None:
        raise InvalidProject(
            f"{name!r} is no name of a profile",
            allowed=f"letters, digits, hyphens, dots and underscores; the name of a file in "
            f"{PROFILES}/ without .yaml",
            next_step="choose a profile with --profile",
        )
    file = folder / PROFILES / f"{name}.yaml"
    if name == "local" and not file.exists():
        return Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    if not file.exists():
        known = sorted({"local", *(f.stem for f in (folder / PROFILES).glob("*.yaml"))})
        raise InvalidProject(
            f"no profile {name!r}",
            given=file,
            allowed=", ".join(known),
            next_step=f"write {file} or choose a known profile with --profile",
        )
    return load_model(file, Profile, f"write {file}")


def load_model(
    file: Path,
    model: type[M],
    next_step: str,
    overrides: Mapping[str, Any] | None = None,
    complete: Callable[[Document], None] | None = None,
) -> M:
    """One file as one model; `next_step` is said when there is no such file. `complete` puts in
    what the file refers to.

    Raises:
        InvalidProject: every fault of the file, each with its line and field.
    """
    document = read(file, next_step)
    for field, value in (overrides or {}).items():
        _override(document, field, value)
    if complete is not None:
        complete(document)
    try:
        return model.model_validate(document.values)
    except ValidationError as error:
        from mizzen.spec.explain import explain

        raise explain(document, list(overrides or {}), error, model) from None


def _with_files(document: Document) -> None:
    """A requirements file is part of the description: what it lists goes where it is named."""
    named = document.values.get("dependencies")
    if isinstance(named, str):
        folder = document.file.parent
        document.values["dependencies"] = read_requirements(folder, named)


def _override(document: Document, field: str, value: Any) -> None:
    *parents, last = field.split(".")
    place: Any = document.values
    for parent in parents:
        place = place.setdefault(parent, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise InvalidProject(
            f"cannot set {field!r}",
            allowed=f"a dotted field of {document.file.name}, such as gate.margin=0.01; of a "
            "list, the whole list",
        )
    place[last] = value
