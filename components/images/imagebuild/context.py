"""What a build sees: a folder put together for one image, of which nothing is kept.

It holds the pinned list, the scripts of the RUN steps, Mizzen's wheel, the Bento of an image that
serves and the machine's own wheels, if pip is told of some; not the tree, so no file can slip into
an image.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from imagebuild.catalog import ROOT, Image, uv_version
from imagebuild.programs import run, uv
from imagebuild.settings import as_environment, link_folders
from mizzen import __version__
from mizzen_serving.package import build_without_model

LAYER = ROOT / "components" / "images" / "layer"
BENTO = "bento"
_CREATED = re.compile(r"^creation_time: .*$", re.MULTILINE)
_FIRST_DAY = "creation_time: '1980-01-01T00:00:00.000000+00:00'"


def build_wheel(folder: Path, epoch: int) -> Path:
    """Mizzen's wheel from the tree as it is; equal trees give equal bytes."""
    folder.mkdir(parents=True)
    environment = {**as_environment(), "SOURCE_DATE_EPOCH": str(epoch)}
    run([uv(), "build", "--quiet", "--wheel", f"--out-dir={folder}", ROOT], environment=environment)
    (folder / ".gitignore").unlink(missing_ok=True)
    return next(folder.glob("mizzen-*.whl"))


def fetch_tools(folder: Path, architecture: str) -> None:
    """uv for the machine that the images are for, which may not be the one that builds."""
    into = [f"--target={folder}", f"--python-platform={architecture}-manylinux_2_28"]
    wish = f"uv=={uv_version()}"
    run([uv(), "pip", "install", "--quiet", "--no-deps", *into, wish], environment=as_environment())


def stage(image: Image, wheel: Path, tools: Path, folder: Path) -> None:
    """Put the context of one image into `folder`."""
    folder.mkdir(parents=True)
    shutil.copytree(LAYER, folder / "layer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(image.requirements, folder / "requirements.txt")
    shutil.copytree(tools, folder / "tools", copy_function=_link)
    (folder / "wheel").mkdir()
    shutil.copy(wheel, folder / "wheel")
    (folder / BENTO).mkdir()  # empty for an image that does not serve
    if "serving" in image.extras:
        put_bento(image, folder / BENTO)
    (folder / "links").mkdir()
    for number, links in enumerate(link_folders()):
        shutil.copytree(links, folder / "links" / str(number), copy_function=_link)


def put_bento(image: Image, folder: Path) -> None:
    """The Bento that an image serves with: no model, and the libraries of the image's list."""
    listed = image.requirements.read_text(encoding="utf-8").splitlines()
    needs = [line for line in listed if line and not line.startswith("#")]
    with tempfile.TemporaryDirectory(prefix="mizzen-image-") as scratch:
        bento = build_without_model(Path(scratch), [*needs, f"mizzen=={__version__}"])
        shutil.copytree(bento, folder, dirs_exist_ok=True)
    described = folder / "bento.yaml"
    # when it was built must not decide what an image's digest is
    text = _CREATED.sub(_FIRST_DAY, described.read_text(encoding="utf-8"))
    described.write_text(text, encoding="utf-8")


def digest(files: Iterable[Path]) -> str:
    """One digest of these files, names and contents."""
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(f"{file.name} {file.stat().st_size}\n".encode())
        found.update(file.read_bytes())
    return found.hexdigest()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)
