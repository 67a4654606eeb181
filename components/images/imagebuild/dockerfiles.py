"""Writes each image's Dockerfile from the one template; `make generate` calls it.

They are committed, because a Dockerfile is what people and scanners look for beside an image.
"""

from __future__ import annotations

from collections.abc import Iterable

from imagebuild.catalog import ROOT, Image

TEMPLATE = ROOT / "components" / "images" / "Dockerfile.in"
_WRITTEN = "# Written by `make generate` from components/images/Dockerfile.in: do not edit."
_BY_HAND = (
    "# `make images` builds it and hands in the arguments; README.md beside tells how by hand."
)
_BASE = (
    "# `make images` builds it and hands in the arguments.",
    "# The base: the stage `libraries` of the image below, so that Mizzen itself is the last layer"
    " only.",
)
_FIRST = "ENV HOME=/tmp LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1"
_CACHE = "    --mount=type=cache,id=mizzen-uv,target=/var/cache/mizzen-uv \\"


def write_dockerfiles(images: Iterable[Image]) -> None:
    for image in images:
        image.dockerfile.write_text(dockerfile(image), encoding="utf-8")


def dockerfile(image: Image) -> str:
    """The text of an image's Dockerfile."""
    parts = {
        "@ABOUT@": [
            _WRITTEN,
            *(f"# {line}" for line in image.about),
            *(_BASE if image.parent else [_BY_HAND]),
        ],
        # settings of the process are those of the first image; the others inherit them
        "@FIRST@": [] if image.parent else [_FIRST],
        "@CACHE@": [] if image.uncached else [_CACHE],
    }
    if image.uncached:
        parts["@FIRST@"].append(f"# no cache is mounted here: {image.uncached}")
    lines = TEMPLATE.read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for given in lines for line in parts.get(given, [given]))
