"""The base image: Debian by debootstrap, and on it the CPython that runs this very module.

`build` makes it once; Dockerfiles get it through `ARG BASE_IMAGE`. With the machine's own
interpreter, wheels that were built or tested here fit into the image as they are.
"""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from testnode import places
from testnode.commands import run
from testnode.images.store import build_image

PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE = f"mizzen.test/python:{PYTHON_VERSION}"
LIBRARIES = (
    "ca-certificates",
    "libbz2-1.0",
    "libexpat1",
    "libffi8",
    "libgomp1",  # scikit-learn, LightGBM and torch link to it
    "liblzma5",
    "libncursesw6",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libuuid1",
    "zlib1g",
)
LEFT_OUT = ("site-packages", "test", "idlelib", "turtledemo", "__pycache__", "config-*", "*.a")


def build_base(name: str = BASE) -> None:
    """Make the base image; replaces an image of that name."""
    root = places.image_storage() / "root"
    shutil.rmtree(root, ignore_errors=True)
    try:
        _debian(root)
        _python(root / "usr" / "local")
        build_image(name, places.IMAGES / "python.Dockerfile", root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _debian(root: Path) -> None:
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    included = f"--include={','.join(LIBRARIES)}"
    run(["debootstrap", "--variant=minbase", included, release, root], polite=True)
    for packages in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / packages)
        (root / packages / "partial").mkdir(parents=True)


def _python(target: Path) -> None:
    """Copy interpreter, shared library and standard library; packages are each image's own."""
    source = Path(sys.base_prefix)
    name = f"python{PYTHON_VERSION}"
    (target / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / "bin" / name, target / "bin" / name)
    for alias in ("python3", "python"):
        (target / "bin" / alias).symlink_to(name)
    for library in (source / "lib").glob("libpython*.so*"):
        shutil.copy2(library, target / "lib" / library.name, follow_symlinks=False)
    leave_out = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(source / "lib" / name, target / "lib" / name, ignore=leave_out)
    (target / "lib" / name / "site-packages").mkdir()
