"""What a build sees: a folder put together for one image, of which nothing is kept.

It holds the pinned list, the scripts of the RUN steps, Mizzen's wheel and the machine's own
wheels, if pip is told of some; not the tree, so no file can slip into an image.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from imagebuild.catalog import ROOT, Image, uv_version
from imagebuild.programs import run, uv
from imagebuild.settings import as_environment, link_folders

LAYER = ROOT / "components" / "images" / "layer"


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
    (folder / "links").mkdir()
    for number, links in enumerate(link_folders()):
        shutil.copytree(links, folder / "links" / str(number), copy_function=_link)


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
