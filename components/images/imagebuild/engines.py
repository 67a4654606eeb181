"""What builds: docker where one answers, else buildah. Both take the same Dockerfiles.

An engine is told one `Order` and makes one image. Which flags that takes is all that differs.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from imagebuild.programs import run
from mizzen.errors import UserError

# in a mount namespace of its own: buildah leaves mounts of its storage behind
BUILDAH = ("unshare", "--mount", "buildah")
UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass(frozen=True, slots=True)
class Order:
    """One build. `secrets` are files that RUN steps may see and that no layer keeps."""

    tag: str
    dockerfile: Path
    context: Path
    target: str
    arguments: Mapping[str, str]
    secrets: Mapping[str, Path]
    epoch: int
    cache: bool = True


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image in the engine's store: its digest (of its configuration, which names every
    layer) and its unpacked size in bytes, all layers."""

    digest: str
    size: int


class Engine(Protocol):
    name: str

    def architecture(self) -> str:
        """Of the images it builds, as the kernel calls it: x86_64, aarch64."""

    def build(self, order: Order) -> None: ...

    def names(self) -> set[str]:
        """Of every image in the store."""

    def forget(self, name: str) -> None:
        """Take a name away; what no other name holds goes too. A busy image stays."""

    def inspect(self, tag: str) -> BuiltImage: ...

    def read(self, tag: str, path: str) -> bytes:
        """A file of the image."""


class Buildah:
    """Needs no daemon. The steps run in a chroot on the network of this machine."""

    name = "buildah"

    def architecture(self) -> str:
        return platform.machine()

    def build(self, order: Order) -> None:
        how = ["--isolation=chroot", "--network=host", "--pull-never", "--layers", "--format=oci"]
        fixed = [f"--timestamp={order.epoch}", "--identity-label=false"]
        run([*BUILDAH, "bud", *how, *fixed, *_words(order)])

    def names(self) -> set[str]:
        return {name for image in self._images() for name in image["names"]}

    def forget(self, name: str) -> None:
        subprocess.run([*BUILDAH, "rmi", name], capture_output=True, check=False)

    def inspect(self, tag: str) -> BuiltImage:
        for image in self._images():
            if tag in image["names"]:
                return BuiltImage(
                    f"sha256:{image['id'].removeprefix('sha256:')}", _bytes(image["size"])
                )
        raise UserError(f"there is no image {tag}", next_step="make images")

    def read(self, tag: str, path: str) -> bytes:
        # one shell, so that the container goes away with its mount whatever happens
        script = (
            'c=$(buildah from --pull-never "$1"); trap \'buildah rm "$c" >/dev/null\' EXIT; '
            'cat "$(buildah mount "$c")$2"'
        )
        command = ["unshare", "--mount", "sh", "-euc", script, "read", tag, path]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def _images(self) -> list[dict[str, Any]]:
        found = json.loads(run([*BUILDAH, "images", "--json", "--no-trunc"]) or "[]")
        for image in found or []:
            image["names"] = [name.removeprefix("localhost/") for name in image.get("names") or ()]
        return found or []


class Docker:
    name = "docker"

    def architecture(self) -> str:
        return run(["docker", "info", "--format={{.Architecture}}"]).strip()

    def build(self, order: Order) -> None:
        # without provenance an image is one manifest, whose digest can be compared
        fixed = [f"--build-arg=SOURCE_DATE_EPOCH={order.epoch}", "--provenance=false"]
        output = "--output=type=docker,rewrite-timestamp=true"
        run(
            ["docker", "buildx", "build", *fixed, output, *_words(order)],
            environment={"DOCKER_BUILDKIT": "1"},
        )

    def names(self) -> set[str]:
        listed = run(["docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}"])
        return set(listed.split())

    def forget(self, name: str) -> None:
        subprocess.run(["docker", "image", "rm", name], capture_output=True, check=False)

    def inspect(self, tag: str) -> BuiltImage:
        (found,) = json.loads(run(["docker", "image", "inspect", tag]))
        return BuiltImage(found["Id"], int(found["Size"]))

    def read(self, tag: str, path: str) -> bytes:
        command = ["docker", "run", "--rm", "--network=none", "--entrypoint=cat", tag, path]
        return subprocess.run(command, check=True, capture_output=True).stdout


ENGINES: dict[str, type[Engine]] = {"docker": Docker, "buildah": Buildah}


def choose(name: str | None = None) -> Engine:
    """The engine of that name, else the one that this machine has.

    Raises:
        UserError: there is none.
    """
    if name is not None:
        return ENGINES[name]()
    if shutil.which("docker") and _answers(["docker", "info"]):
        return Docker()
    if shutil.which("buildah"):
        return Buildah()
    raise UserError(
        "nothing here builds images: `docker info` does not answer, and there is no buildah",
        next_step="start Docker, or install buildah (Debian: apt install buildah)",
    )


def _words(order: Order) -> list[str]:
    arguments = [f"--build-arg={name}={value}" for name, value in order.arguments.items()]
    secrets = [f"--secret=id={name},src={file}" for name, file in order.secrets.items()]
    place = [f"--target={order.target}", f"--tag={order.tag}", f"--file={order.dockerfile}"]
    anew = [] if order.cache else ["--no-cache"]
    return [*anew, *arguments, *secrets, *place, str(order.context)]


def _answers(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _bytes(shown: str) -> int:
    """buildah tells sizes to three digits, as in `259 MB`."""
    number, unit = re.fullmatch(r"([0-9.e+]+) ?([kKMG]?B)", shown).groups()  # type: ignore[union-attr]
    return int(float(number) * UNITS[unit])
