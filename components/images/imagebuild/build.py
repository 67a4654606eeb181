"""Builds images in the order in which they need each other. `cli` and the tests call it.

An image is built in two steps: its stage `libraries`, under a name that its pinned list
decides, on which other images build; then its stage `image`, which adds Mizzen itself. So a
change of Mizzen's code builds one thin layer per image.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from imagebuild.catalog import LOCK, ROOT, Image
from imagebuild.context import BENTO, LAYER, build_wheel, digest, fetch_tools, stage
from imagebuild.engines import BuiltImage, Engine, Order
from imagebuild.programs import run
from imagebuild.settings import authorities, for_steps
from mizzen import __version__
from mizzen.errors import UserError

SBOM = "/usr/share/mizzen/sbom.json"
# Every file and every configuration bears one time, so that equal trees give equal digests;
# when an image was made is told by a label: the time of the commit.
EPOCH = 315532800  # 1980-01-01, the first day a wheel can tell
TESTS_BASE = "mizzen.test/python:3.11"  # made by `python tests/cluster build`
SCRIPTS_OF_LIBRARIES = (
    *("settings.sh", "openmp.sh", "libraries.sh", "without_installers.py", "bytecode.py"),
)
SCRIPTS_OF_MIZZEN = ("mizzen.sh", "bytecode.py", "bill.py")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """`prefix`: what stands before `mizzen/NAME`, a registry with its slash, or nothing.
    `output`: where bills of materials go. `cache`: whether steps built before are taken."""

    base: str
    prefix: str
    tag: str
    output: Path
    cache: bool = True

    def name(self, image: Image) -> str:
        return f"{self.prefix}mizzen/{image.name}:{self.tag}"


def base_image(engine: Engine, given: str) -> str:
    """The image that all build on: the given one, else that of the cluster of the tests.

    Raises:
        UserError: none was given, and there is none of the tests.
    """
    if given:
        return given
    if engine.name == "buildah" and TESTS_BASE in engine.names():
        return TESTS_BASE
    raise UserError(
        "no base image: what should Mizzen's images build on?",
        allowed="an image with Python 3.11 or newer as `python3`, and pip",
        next_step="make images BASE_IMAGE=python:3.11-slim   (from the registry that you trust)",
    )


def build(
    engine: Engine, images: Sequence[Image], options: Options, say: Say
) -> dict[str, BuiltImage]:
    """Build them with what they need; returns what was made, by the image's name."""
    with tempfile.TemporaryDirectory(prefix="mizzen-images-") as scratch:
        wheel = build_wheel(Path(scratch) / "wheel", EPOCH)
        fetch_tools(Path(scratch) / "tools", engine.architecture())
        workshop = _Workshop(engine, options, wheel, Path(scratch), say)
        for image in images:
            workshop.make(image)
        workshop.forget_earlier()
    return {image.name: engine.inspect(options.name(image)) for image in images}


class _Workshop:
    """One call of `build`: what its steps share."""

    def __init__(
        self, engine: Engine, options: Options, wheel: Path, scratch: Path, say: Say
    ) -> None:
        self._engine = engine
        self._options = options
        self._wheel = wheel
        self._scratch = scratch
        self._say = say
        self._labels = _labels()
        self._secrets = _secrets(scratch)
        self._parents: dict[str, str] = {}

    def make(self, image: Image) -> None:
        begun = time.monotonic()
        self._libraries(image)
        self._order(image, "image", self._options.name(image), self._of_image(image))
        self._keep_bill(image)
        self._say(f"{self._options.name(image)}: {time.monotonic() - begun:.0f} s")

    def forget_earlier(self) -> None:
        """Drop library stages that other lists made, which nothing builds on any more."""
        current = set(self._parents.values())
        stems = {name.rpartition(":")[0] for name in current}
        for name in self._engine.names() - current:
            if name.rpartition(":")[0] in stems:
                self._engine.forget(name)

    def _libraries(self, image: Image) -> str:
        """Build the stage that others build on, its parents first; returns its name."""
        if image.name not in self._parents:
            name = f"{self._options.prefix}mizzen/{image.name}-libraries:{self._key(image)[:12]}"
            self._order(image, "libraries", name, {})
            self._parents[image.name] = name
        return self._parents[image.name]

    def _order(self, image: Image, target: str, name: str, further: dict[str, str]) -> None:
        arguments = {
            "BASE_IMAGE": self._base(image),
            "LIBRARIES_DIGEST": self._key(image),
            **further,
        }
        context = self._context(image)
        given = (arguments, self._secrets, EPOCH, self._options.cache)
        self._engine.build(Order(name, image.dockerfile, context, target, *given))

    def _base(self, image: Image) -> str:
        line = image.line()
        return self._libraries(line[-2]) if len(line) > 1 else self._options.base

    def _context(self, image: Image) -> Path:
        folder = self._scratch / image.name
        if not folder.exists():
            stage(image, self._wheel, self._scratch / "tools", folder)
        return folder

    def _key(self, image: Image) -> str:
        """What the libraries of an image depend on: lists and scripts, its parents' too."""
        lists = [one.requirements for one in image.line()]
        return digest([*lists, *(LAYER / script for script in SCRIPTS_OF_LIBRARIES)])

    def _of_image(self, image: Image) -> dict[str, str]:
        own = {"IMAGE": f"mizzen/{image.name}", "TITLE": image.title}
        scripts = [LAYER / script for script in SCRIPTS_OF_MIZZEN]
        bento = [file for file in (self._context(image) / BENTO).rglob("*") if file.is_file()]
        return {**own, "WHEEL_DIGEST": digest([self._wheel, *scripts, *bento]), **self._labels}

    def _keep_bill(self, image: Image) -> None:
        self._options.output.mkdir(parents=True, exist_ok=True)
        content = self._engine.read(self._options.name(image), SBOM)
        (self._options.output / f"{image.name}.sbom.json").write_bytes(content)


def _secrets(scratch: Path) -> dict[str, Path]:
    texts = {"index": for_steps(), "authorities": authorities()}
    files = {name: scratch / f"{name}.secret" for name in texts}
    for name, file in files.items():
        file.touch(mode=0o600)
        file.write_text(texts[name], encoding="utf-8")
    return files


def _labels() -> dict[str, str]:
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    return {
        "VERSION": __version__,
        "REVISION": _revision(),
        "CREATED": _committed(),
        "LOCK_DIGEST": f"sha256:{lock}",
    }


def _revision() -> str:
    """The commit; with `-dirty` when the tree is not what the commit says."""
    if not (ROOT / ".git").exists():
        return "unknown"
    commit = run(["git", "-C", ROOT, "rev-parse", "HEAD"]).strip()
    return commit + ("-dirty" if run(["git", "-C", ROOT, "status", "--porcelain"]) else "")


def _committed() -> str:
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH))
    if (ROOT / ".git").exists():
        seconds = int(run(["git", "-C", ROOT, "log", "-1", "--format=%ct"]))
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
