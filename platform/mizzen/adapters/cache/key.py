"""The key of a step: everything that its result depends on, as one hash.

Code (see `sources`), the versions of the libraries and the addresses of the services that the
task declares, its declared environment and number of threads, its parameters, the content of its
input artifacts, and the interpreter. Not in it: names of runs and files, times, the machine, and
what a submission adds to the environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from mizzen.adapters.cache.sources import Sources
from mizzen.core.place import Place
from mizzen.core.plan import Task

LIBRARIES = "MIZZEN_LIBRARIES"
SERVICES = "MIZZEN_SERVICES"  # sections of the profile
_FORMAT = 1


class StepKeys:
    """Makes the keys of one run's steps."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._sources = Sources(place.home / "cache" / "sources.json")

    def key(self, task: Task, values: Mapping[str, Any], artifacts: Mapping[str, str]) -> str:
        """The key of a task with its resolved inputs; `artifacts`: name -> content hash."""
        document = {
            "format": _FORMAT,
            "step": task.step,
            "code": self._sources.digest(task.step.partition(":")[0]),
            "python": [sys.implementation.cache_tag, platform.machine()],
            "libraries": {name: _version(name) for name in _listed(task, LIBRARIES)},
            "services": {
                name: self._place.address(name, os.environ) for name in _listed(task, SERVICES)
            },
            "environment": dict(task.environment),
            "threads": task.resources.cpu,
            "values": dict(values),
            "artifacts": dict(artifacts),
            "outputs": [task.figures, task.artifacts],
        }
        text = json.dumps(document, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def save(self) -> None:
        """Keep what was read for the next process."""
        self._sources.save()


def salted(key: str, run_id: str) -> str:
    """The key under which only this run finds the result."""
    return hashlib.sha256(f"{key}/{run_id}".encode()).hexdigest()


def _listed(task: Task, variable: str) -> list[str]:
    return [name for name in task.environment.get(variable, "").split(",") if name]


@cache
def _version(distribution: str) -> str:
    # Imported here: it costs as much as the rest of the key together.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"
