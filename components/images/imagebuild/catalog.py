"""The images there are, as images.toml tells them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mizzen.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
CATALOG = ROOT / "components" / "images" / "images.toml"
LOCK = ROOT / "requirements" / "all.txt"
OWN = re.compile(r"mizzen\[([a-z0-9,-]+)\]")


@dataclass(frozen=True, slots=True)
class Image:
    """One image. `extras` and `libraries` are what it adds to its parent, if it has one."""

    name: str
    folder: str
    title: str
    bound_mb: int
    why: str
    about: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    parent: str | None = None
    uncached: str = ""

    @property
    def dockerfile(self) -> Path:
        return ROOT / self.folder / "Dockerfile"

    @property
    def requirements(self) -> Path:
        """All that the image holds besides Mizzen, pinned; `make pins` writes it."""
        return ROOT / self.folder / "requirements.txt"

    def line(self) -> list[Image]:
        """The image's parents from the first one on, then itself."""
        return [*(images()[self.parent].line() if self.parent else []), self]

    def roots(self) -> list[str]:
        """What the pinned list is resolved from: the wishes of the image and of its parents."""
        wishes = list(_project()["dependencies"])
        for image in self.line():
            wishes += image.libraries
            for extra in image.extras:
                wishes += _of_extra(extra)
        return sorted(set(wishes))


@cache
def images() -> dict[str, Image]:
    """Every image by its name, parents first."""
    return {
        name: Image(name=name, **{key: _fixed(value) for key, value in entry.items()})
        for name, entry in _catalog().items()
        if name != "tools"
    }


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def chosen(names: Sequence[str]) -> list[Image]:
    """The images of these names, all when there are none, in the order of the catalog.

    Raises:
        UserError: a name that no image has.
    """
    unknown = sorted(set(names) - set(images()))
    if unknown:
        raise UserError(f"no image is called {unknown[0]!r}", allowed=", ".join(images()))
    return [image for name, image in images().items() if not names or name in names]


def uv_version() -> str:
    return str(_catalog()["tools"]["uv"])


@cache
def _catalog() -> dict[str, dict[str, Any]]:
    return tomllib.loads(CATALOG.read_text(encoding="utf-8"))


@cache
def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(project["project"])


def _of_extra(extra: str) -> Iterator[str]:
    for wish in _project()["optional-dependencies"][extra]:
        own = OWN.fullmatch(wish)
        if own is None:
            yield wish
        else:
            for further in own[1].split(","):
                yield from _of_extra(further)
