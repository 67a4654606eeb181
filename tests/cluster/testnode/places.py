"""Where things lie. Every path of this package is made here; all lie outside the repository
but the figures and logs of the last run, which git ignores.
"""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PARTS = HERE / "parts"
ADDONS = HERE / "addons"
EXAMPLES = HERE.parent.parent / "pipelines" / "examples"
IMAGES = HERE / "images"
REPORT = HERE / "build"


def cache() -> Path:
    """The folder of everything built: `$MIZZEN_CACHE`, else XDG's, else `~/.cache/mizzen`."""
    chosen = os.environ.get("MIZZEN_CACHE")
    if chosen:
        return Path(chosen) / "cluster"
    parent = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(parent) / "mizzen" / "cluster"


def part_folder(name: str, version: str) -> Path:
    return cache() / name / version


def go_caches() -> Path:
    """Go's module and build caches of our own: they can be deleted without hurting others."""
    return cache() / ".go"


def image_storage() -> Path:
    return cache() / "images"


def node_folder(name: str) -> Path:
    """All files of one running node; `down` deletes it whole."""
    return cache() / "nodes" / name
