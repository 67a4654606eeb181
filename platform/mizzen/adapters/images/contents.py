"""What images hold, and whether the steps of a run find there what they import.

Whoever compiles a pipeline asks `smallest` for a step's image; whoever sends a run to a cluster
calls `check` before the first step starts. Mizzen's own images are declared in images.json,
which `make pins` writes from the lists that the images are built from. Any other image tells what
it holds by its bill of materials, see `read_sbom`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mizzen.core.plan import Plan, Task
from mizzen.errors import MissingDependencyError, UserError

DECLARED = Path(__file__).with_name("images.json")
STEPS = ("core", "tabular", "torch")  # each holds what the one before it holds
LIBRARIES = "MIZZEN_LIBRARIES"  # of a task: distributions that its step is computed with
MODULES = "mizzen:modules"  # in a bill of materials: what a distribution lets a program import
_OWN = re.compile(r"(?:^|/)mizzen/([a-z]+)(?::[^/@]*)?(?:@.*)?$")


@dataclass(frozen=True, slots=True)
class ImageContents:
    """What one image holds: distributions by their canonical names, and top-level modules."""

    image: str
    distributions: frozenset[str]
    modules: frozenset[str]

    def holds(self, library: str) -> bool:
        """Whether a distribution or a module of that name is there."""
        return canonical(library) in self.distributions or library in self.modules


@dataclass(frozen=True, slots=True)
class MissingModule:
    """A step whose image has no such module; `place` is the file and line that imports it."""

    step: str
    image: str
    library: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.step}: {self.library}" + (f" ({self.place})" if self.place else "")


@cache
def declared() -> dict[str, ImageContents]:
    """Mizzen's own images by their names: core, tabular, torch, serving, control."""
    found: dict[str, ImageContents] = {}
    for name, entry in json.loads(DECLARED.read_text(encoding="utf-8")).items():
        below = found.get(entry["parent"], ImageContents("", frozenset(), frozenset()))
        added = entry["adds"]
        modules = {module for names in added.values() for module in names}
        found[name] = ImageContents(
            f"mizzen/{name}", below.distributions | set(added), below.modules | modules
        )
    return found


def read_sbom(image: str, text: str) -> ImageContents:
    """What an image holds by its bill of materials (CycloneDX as JSON).

    Modules are known where the bill tells them, as those of Mizzen's images do
    (/usr/share/mizzen/sbom.json); else a distribution's name stands for its module.

    Raises:
        UserError: no such document.
    """
    try:
        parts = [part for part in json.loads(text)["components"] if _is_python(part)]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the bill of materials of {image} cannot be read",
            allowed="CycloneDX as JSON, with `components`",
        ) from error
    names = frozenset(canonical(part["name"]) for part in parts)
    return ImageContents(
        image, names, frozenset(module for part in parts for module in _modules(part))
    )


def contents_of(image: str) -> ImageContents | None:
    """What is declared of an image of ours, whatever registry and tag; None of any other."""
    own = _OWN.search(image)
    return declared().get(own[1]) if own else None


def smallest(libraries: Iterable[str], wished: Iterable[str] = ()) -> str:
    """The smallest of the images for steps that holds all of these, and of the wished ones as
    many as any image does.

    Raises:
        MissingDependencyError: none does.
    """
    largest = declared()[STEPS[-1]]
    wanted = sorted({*libraries, *(wish for wish in wished if largest.holds(wish))})
    for name in STEPS:
        if all(declared()[name].holds(library) for library in wanted):
            return name
    lacking = [library for library in wanted if not largest.holds(library)]
    raise MissingDependencyError(
        f"no image of Mizzen holds {', '.join(lacking)}",
        next_step="name an image of your own that does",
    )


def check(
    plan: Plan,
    imports: Mapping[str, Mapping[str, str]],
    bills: Mapping[str, ImageContents] | None = None,
) -> None:
    """Hold what steps import against what their images hold; nothing is started or pulled.

    Args:
        imports: for each step (`train`): module -> the place of the project that imports it.
        bills: what is known of images that are not ours, by the name in the plan. Of an image
            that is in neither, nothing is known and nothing is refused.

    Raises:
        MissingDependencyError: names every step, what it lacks, and who has it.
    """
    known = bills or {}
    lacks = [lack for task in plan.tasks for lack in _lacks(task, imports, known)]
    if not lacks:
        return
    images = sorted({lack.image for lack in lacks})
    libraries = sorted({lack.library for lack in lacks})
    raise MissingDependencyError(
        f"{', '.join(images)} {'lacks' if len(images) == 1 else 'lack'} what steps import",
        given="; ".join(dict.fromkeys(map(str, lacks))),
        allowed=_holders(libraries),
        next_step=f"build an image on {images[0]} that adds {', '.join(libraries)}, and name it, "
        "or leave the import out",
    )


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _lacks(
    task: Task, imports: Mapping[str, Mapping[str, str]], bills: Mapping[str, ImageContents]
) -> Iterator[MissingModule]:
    contents = bills.get(task.image) or contents_of(task.image)
    if contents is None:
        return
    step = _short(task.step)
    for library in filter(None, task.environment.get(LIBRARIES, "").split(",")):
        if not contents.holds(library):
            yield MissingModule(step, task.image, library)
    for module, place in imports.get(step, {}).items():
        if not contents.holds(module):
            yield MissingModule(step, task.image, module, place)


def _short(step: str) -> str:
    """`mizzen_components.train:run` -> `train`."""
    return step.partition(":")[0].rpartition(".")[2]


def _holders(libraries: list[str]) -> str:
    holders = [
        contents.image
        for contents in declared().values()
        if all(contents.holds(library) for library in libraries)
    ]
    return ", ".join(holders) or "none of Mizzen's images holds all of these"


def _is_python(part: Mapping[str, Any]) -> bool:
    return str(part.get("purl", "")).startswith("pkg:pypi/")


def _modules(part: Mapping[str, Any]) -> list[str]:
    for entry in part.get("properties", ()):
        if entry["name"] == MODULES:
            return str(entry["value"]).split()
    return [canonical(part["name"]).replace("-", "_")]
