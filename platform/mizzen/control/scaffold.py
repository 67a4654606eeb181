"""`mizzen init`: a small project that checks and trains as it is."""

from __future__ import annotations

import re
import shutil
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from mizzen.errors import Conflict, UserError
from mizzen.spec.load import load_project

_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")
_PLACEHOLDER = "__NAME__"
# a .gitignore inside the package would hide the template's own files
_RENAMED = {"gitignore": ".gitignore"}


def templates() -> list[str]:
    """Names of the templates."""
    folder = files("mizzen.templates")
    return sorted(entry.name for entry in folder.iterdir() if (entry / "mizzen.yaml").is_file())


def create(folder: Path, template: str = "tabular") -> Path:
    """Make a project in `folder`, named after it; all of it or nothing.

    Raises:
        Conflict: the folder exists and is not empty.
        UserError: no such template, or the folder's name is no project name.
    """
    folder = folder.expanduser().resolve()
    if _NAME.match(folder.name) is None:
        raise UserError(
            f"{folder.name!r} is no project name",
            allowed="lower-case letters, digits and hyphens, a letter first, up to 40",
        )
    if template not in templates():
        raise UserError(f"no template {template!r}", allowed=", ".join(templates()))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} exists", next_step="choose another name")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".mizzen-init-") as work:
        fresh = Path(work) / folder.name
        with as_file(files("mizzen.templates") / template) as source:
            _fill(Path(source), fresh, folder.name)
        load_project(fresh)
        if folder.exists():
            folder.rmdir()
        fresh.rename(folder)
    return folder


def _fill(source: Path, target: Path, name: str) -> None:
    for path in sorted(source.rglob("*")):
        if "__pycache__" in path.parts or path.is_dir():
            continue
        place = target / path.relative_to(source).with_name(_RENAMED.get(path.name, path.name))
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in {".yaml", ".md", ".py"}:
            text = path.read_text(encoding="utf-8").replace(_PLACEHOLDER, name)
            place.write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(path, place)
