"""The command line of `make images`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from imagebuild import engines
from imagebuild.build import Options, base_image, build
from imagebuild.catalog import ROOT, Image, chosen
from imagebuild.declare import write_declared
from imagebuild.dockerfiles import write_dockerfiles
from imagebuild.engines import BuiltImage
from imagebuild.pins import write_pins
from mizzen import __version__
from mizzen.errors import MizzenError, UserError


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    try:
        images = chosen(given.names)
        if given.dockerfiles:
            write_dockerfiles(images)
            return 0
        if given.pins:
            write_pins(images)
            write_declared(chosen([]))
            return 0
        engine = engines.choose(given.engine)
        base = base_image(engine, given.base)
        options = Options(base, given.prefix, given.tag, given.output, not given.no_cache)
        built = build(engine, images, options, say)
        say(report(images, built))
        refuse_too_large(images, built)
    except MizzenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def report(images: Sequence[Image], built: dict[str, BuiltImage]) -> str:
    """A table: name, size, bound, digest."""
    rows = [
        f"{image.name:<10} {built[image.name].size / 1e6:>7.0f} MB  (at most {image.bound_mb:>5})"
        f"  {built[image.name].digest}"
        for image in images
    ]
    return "\n".join(rows)


def refuse_too_large(images: Sequence[Image], built: dict[str, BuiltImage]) -> None:
    """Hold sizes against the bounds of images.toml.

    Raises:
        UserError: an image is larger.
    """
    for image in images:
        size = built[image.name].size / 1e6
        if size > image.bound_mb:
            raise UserError(
                f"{image.name} is too large",
                given=f"{size:.0f} MB",
                allowed=f"{image.bound_mb} MB ({image.why})",
                next_step="take out what brought it, or raise the bound in images.toml and say why",
            )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python components/images", description="Build the images.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="which ones; all when none is named"
    )
    base = os.environ.get("BASE_IMAGE", "")
    parser.add_argument("--base", default=base, help="what they build on (BASE_IMAGE)")
    parser.add_argument(
        "--prefix", default="", help="before mizzen/NAME, as in `registry.example/`"
    )
    parser.add_argument("--tag", default=__version__, help="default: the version of Mizzen")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "build" / "images",
        help="where the bills of materials go",
    )
    parser.add_argument("--engine", choices=engines.ENGINES, help="default: the one that answers")
    parser.add_argument("--no-cache", action="store_true", help="build every step anew")
    parser.add_argument("--pins", action="store_true", help="write the pinned lists, build nothing")
    parser.add_argument(
        "--dockerfiles", action="store_true", help="write the Dockerfiles, build nothing"
    )
    return parser
