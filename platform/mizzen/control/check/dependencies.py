"""Whether what a project depends on is installed here. Nothing is installed by Mizzen."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from mizzen.adapters.images.contents import canonical, declared
from mizzen.control.check.finding import Finding, refused
from mizzen.control.check.needs import imports_of_steps
from mizzen.errors import MissingDependencyError, MizzenError
from mizzen.spec.project import ProjectSpec
from mizzen.spec.requirements import applying, name_of


def check_dependencies(spec: ProjectSpec) -> list[Finding]:
    """One finding for each dependency, or one error for all that are missing or of another
    version."""
    try:
        require(spec)
    except MizzenError as error:
        return [refused("dependencies", error)]
    names = [name_of(wanted) for wanted in applying(spec.dependencies)]
    return [Finding("ok", "dependencies", f"{name} {version(name)}") for name in names]


def unnamed(folder: Path, spec: ProjectSpec) -> list[Finding]:
    """A warning for each module that the project's code imports, and neither Mizzen nor the
    description brings: where the project goes, it would be missing."""
    named = {name_of(wanted) for wanted in spec.dependencies}
    places: dict[str, str] = {}
    for needs in imports_of_steps(folder, spec).values():
        places |= {m: place for m, place in needs.items() if not declared()["torch"].holds(m)}
    providers = packages_distributions() if places else {}
    return [
        Finding(
            "warning",
            "dependencies",
            f"{place} imports {module}, which `dependencies` does not name",
            "name it, so that a Bento brings it and an upgrade trains again",
        )
        for module, place in places.items()
        if not named.intersection(map(canonical, providers.get(module, [module])))
    ]


def require(spec: ProjectSpec) -> None:
    """See that everything is there before a run is written down.

    Raises:
        MissingDependencyError: names every lack, with the command that installs it.
    """
    lacks = dict(_lacks(spec))
    if not lacks:
        return
    wanted = " ".join(shlex.quote(requirement) for requirement in lacks)
    raise MissingDependencyError(
        "the project's dependencies are not installed",
        given="; ".join(lacks.values()),
        allowed="; ".join(lacks),
        next_step=f"{shlex.quote(sys.executable)} -m pip install {wanted}",
    )


def _lacks(spec: ProjectSpec) -> Iterator[tuple[str, str]]:
    from packaging.requirements import Requirement

    for text in applying(spec.dependencies):
        requirement = Requirement(text)
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield text, f"{requirement.name} is not installed"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield text, f"{requirement.name} {found} is installed"
