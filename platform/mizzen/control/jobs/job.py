"""What the jobs of a cluster share: they have a place and a project's name, and no folder of it.

The project is the champion's: its number comes from the state, its package, with the whole
description, from the registry. Used by `inspect` and `materialize`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mizzen.adapters.backends import load_backend
from mizzen.control.backends import REGISTRY, packages_folder
from mizzen.control.timestamps import parse
from mizzen.control.workspace import Workspace
from mizzen.core.manifest import PROJECT
from mizzen.core.place import Place
from mizzen.errors import MizzenError
from mizzen.spec.project import ProjectSpec
from mizzen.state import open_state


@dataclass(frozen=True, slots=True)
class Champion:
    """A project as its champion knows it. The workspace's folder is the package."""

    workspace: Workspace
    version: int
    package: Path


def champion_of(place: Place) -> Champion | None:
    """The champion of the place's project; None while there is none.

    Raises:
        TemporaryError: the state or the registry does not answer.
    """
    promoted = open_state(place).models.champion(place.project)
    if promoted is None:
        return None
    registry = load_backend("registry", REGISTRY)(place)
    package: Path = registry.fetch(place.project, promoted.version, packages_folder(place))
    spec = ProjectSpec.model_validate_json((package / PROJECT).read_text(encoding="utf-8"))
    return Champion(Workspace(package, "cluster", spec, place), promoted.version, package)


def run_job(what: str, act: Callable[[Champion, datetime], None], words: list[str] | None) -> int:
    """Parse a job's arguments and act on the champion; returns the exit status. A project
    without a champion is no failure: there is nothing to do yet."""
    given = _parser(what).parse_args(words)
    try:
        until = datetime.now(UTC) if given.until is None else parse(given.until, "--until")
        champion = champion_of(replace(Place.from_environment(os.environ), project=given.project))
        if champion is None:
            say(f"{given.project} has no champion yet: nothing to do")
            return 0
        act(champion, until)
    except MizzenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def say(text: str) -> None:
    """One line of the job's log."""
    sys.stdout.write(f"{text}\n")


def _parser(what: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=what)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--project", required=True, help="the project's name")
    parser.add_argument("--until", help="an instant; now when absent")
    return parser
