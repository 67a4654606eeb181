"""Reading mizzen.yaml and profiles: safe YAML, and errors that name file, line and field.

Every front door reads descriptions here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from mizzen.errors import InvalidProject
from mizzen.spec.profile import Profile
from mizzen.spec.project import ProjectSpec

M = TypeVar("M", bound=BaseModel)
Lines = dict[tuple[str | int, ...], int]
PROJECT_FILE = "mizzen.yaml"


def load_project(folder: Path, overrides: Mapping[str, Any] | None = None) -> ProjectSpec:
    """The project described in `folder`.

    Args:
        folder: the folder that holds `mizzen.yaml`.
        overrides: dotted field -> value, applied before validation (`{"gate.margin": 0.01}`).

    Raises:
        InvalidProject: no file, no YAML, or a field that is not allowed.
    """
    return _load(folder / PROJECT_FILE, ProjectSpec, overrides or {})


def load_profile(folder: Path, name: str = "local") -> Profile:
    """`profiles/<name>.yaml` of the project; `local` needs no file."""
    file = folder / "profiles" / f"{name}.yaml"
    if name == "local" and not file.exists():
        return Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    if not file.exists():
        known = sorted({"local", *(f.stem for f in file.parent.glob("*.yaml"))})
        raise InvalidProject(
            f"no profile {name!r}",
            given=file,
            allowed=", ".join(known),
            next_step=f"write {file} or choose a known profile with --profile",
        )
    return _load(file, Profile, {})


def _load(file: Path, model: type[M], overrides: Mapping[str, Any]) -> M:
    document, lines = _read(file)
    for field, value in overrides.items():
        _override(document, field, value)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _explain(file, lines, error, model) from None


def _read(file: Path) -> tuple[dict[str, Any], Lines]:
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except FileNotFoundError:
        raise InvalidProject(
            f"no {file.name} in {file.parent}",
            next_step="go to a project's folder, or make one: mizzen init my-project",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidProject(
            f"{file} is not YAML", given=error, next_step="mend the file"
        ) from None
    if not isinstance(document, dict):
        raise InvalidProject(f"{file} holds no mapping", given=type(document).__name__)
    return document, dict(_lines(node, ()))


def _lines(node: yaml.Node | None, path: tuple[str | int, ...]) -> list[tuple[Any, int]]:
    found: list[tuple[Any, int]] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found.append(((*path, key.value), key.start_mark.line + 1))
            found += _lines(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            found.append(((*path, index), value.start_mark.line + 1))
            found += _lines(value, (*path, index))
    return found


def _override(document: dict[str, Any], field: str, value: Any) -> None:
    *parents, last = field.split(".")
    place: Any = document
    for parent in parents:
        place = place.setdefault(parent, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise InvalidProject(f"cannot set {field!r}", allowed="a dotted field of mizzen.yaml")
    place[last] = value


def _explain(
    file: Path, lines: Lines, error: ValidationError, model: type[BaseModel]
) -> InvalidProject:
    faults = [_fault(file, lines, fault, model) for fault in error.errors()]
    return InvalidProject(
        f"{file.name} has {len(faults)} fault{'s' if len(faults) > 1 else ''}\n  "
        + "\n  ".join(faults),
        next_step=f"mend {file}, then: mizzen check",
    )


def _fault(file: Path, lines: Lines, fault: Any, model: type[BaseModel]) -> str:
    path = tuple(part for part in fault["loc"] if part not in _UNION_BRANCHES)
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)
    field = ".".join(str(part) for part in path) or "(whole file)"
    text = f"{file.name}:{line}: {field}: {fault['msg']}"
    if fault["type"] == "extra_forbidden":
        return text + _suggest(str(path[-1]), model, path)
    if fault["type"] not in {"missing", "value_error"}:
        text += f"; given: {fault['input']!r}"
    return text


# pydantic names the branch of a union in the location; a user never wrote it
_UNION_BRANCHES = {"FileSource", "PythonSource", "SplitByTime", "SplitByKey"}


def _suggest(field: str, model: type[BaseModel], path: tuple[Any, ...]) -> str:
    known = _fields_at(model.model_json_schema(by_alias=True), path[:-1])
    close = get_close_matches(field, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint}; allowed: {', '.join(known)}" if known else hint


def _fields_at(schema: dict[str, Any], path: tuple[Any, ...]) -> list[str]:
    defs = schema.get("$defs", {})
    nodes = [schema]
    for part in path:
        nodes = [n for node in nodes for n in _step(_resolve(node, defs), part)]
        nodes = [n for node in nodes for n in _branches(_resolve(node, defs), defs)]
    return sorted({name for node in nodes for name in _resolve(node, defs).get("properties", {})})


def _step(node: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    child = node.get("properties", {}).get(part)
    return [child] if child else []


def _branches(node: dict[str, Any], defs: dict[str, Any]) -> list[dict[str, Any]]:
    return [_resolve(b, defs) for b in node.get("anyOf", node.get("oneOf", [node]))]


def _resolve(node: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    ref = node.get("$ref")
    return defs[ref.rsplit("/", 1)[-1]] if ref else node
