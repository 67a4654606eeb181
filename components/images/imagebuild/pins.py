"""`python components/images --pins`: each image's pinned list, out of the one of the project.

`make pins` calls it after it has resolved requirements/all.txt. The lists are committed, so
that a change of a pin rebuilds only the images that hold the library.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from imagebuild.catalog import LOCK, Image
from imagebuild.programs import uv
from imagebuild.settings import as_environment
from mizzen.errors import UserError

OPTIONS = ("--universal", "--python-version=3.11", "--no-header", "--no-annotate", "--quiet")
NO_ADDRESS = ("--no-emit-index-url", "--no-emit-find-links")


def write_pins(images: Iterable[Image]) -> None:
    for image in images:
        image.requirements.write_text(pins(image), encoding="utf-8")


def pins(image: Image) -> str:
    """The image's libraries with everything that they need, at the project's versions.

    Raises:
        UserError: a library that requirements/all.txt does not know, or another reason of uv's.
    """
    command = [uv(), "pip", "compile", "-", *OPTIONS, *NO_ADDRESS, f"--constraints={LOCK}"]
    done = subprocess.run(
        command,
        input="\n".join(image.roots()),
        env=as_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UserError(f"the list of {image.name} cannot be resolved:\n{done.stderr.strip()}")
    return done.stdout
