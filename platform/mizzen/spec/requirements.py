"""A project's own dependencies: requirement strings of PEP 508, or a file of them.

Only names, extras, versions and markers. Where packages come from is decided by whoever installs
them, so an address, a path or an option of pip is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from mizzen.errors import InvalidProject

_BYTES = 1 << 18


def checked(text: str) -> str:
    """A requirement in its canonical form.

    Raises:
        ValueError: no requirement, or one that a project may not name.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    if text.lstrip().startswith("-"):
        raise ValueError(f"{text!r} is an option of pip; whoever installs decides where from")
    if "://" in text or "@" in text or "/" in text or text.lstrip().startswith("."):
        raise ValueError(f"{text!r} names an address or a path; name a package and its version")
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"{text!r} is no requirement: {str(error).splitlines()[0]}") from None
    if name_of(text) == "mizzen":
        raise ValueError("mizzen is what runs the project; leave it out")
    return str(found)


def distinct(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The requirements, sorted by name.

    Raises:
        ValueError: a package is named twice.
    """
    names = [name_of(text) for text in texts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is named twice; write one requirement")
    return tuple(sorted(texts, key=name_of))


Requirement_ = Annotated[
    str,
    AfterValidator(checked),
    Field(json_schema_extra={"allowed": "a name with versions, as in `xgboost>=2`"}),
]
Requirements = Annotated[tuple[Requirement_, ...], AfterValidator(distinct)]


def name_of(text: str) -> str:
    """A requirement's package, as indexes compare it."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(Requirement(text).name))


def applying(requirements: Iterable[str]) -> list[str]:
    """Those whose marker holds for this interpreter."""
    from packaging.requirements import Requirement

    parsed = [Requirement(text) for text in requirements]
    return [str(r) for r in parsed if r.marker is None or r.marker.evaluate()]


def read_requirements(folder: Path, name: str) -> list[str]:
    """The requirements in a file of the project.

    Raises:
        InvalidProject: no such file in the project, or a line that is no requirement.
    """
    path = PurePosixPath(name)
    file = (folder / path).resolve()
    if path.is_absolute() or not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise InvalidProject(
            f"dependencies: no file {name} in the project",
            allowed="a list such as [xgboost>=2], or the name of a requirements file",
        )
    with file.open("rb") as content:
        text = content.read(_BYTES + 1)
    if len(text) > _BYTES:
        raise InvalidProject(f"{name} is too large", allowed=f"{_BYTES:,} bytes")
    return list(_lines(name, text.decode("utf-8", errors="replace")))


def _lines(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        wanted = line.partition("#")[0].strip()
        if not wanted:
            continue
        try:
            yield checked(wanted)
        except ValueError as error:
            raise InvalidProject(
                f"{name}:{number}: {error}",
                allowed="one requirement a line, as in xgboost>=2",
                next_step=f"fix {name}",
            ) from None
