"""Writes images.json: what each image holds, for whoever has to know it without the image.

`make pins` calls it after the lists. Names of distributions come from the lists; what each lets
a program import comes from the same distribution in this environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution

from layer.bill import modules
from packaging.requirements import Requirement

from imagebuild.catalog import Image
from mizzen.adapters.images.contents import DECLARED, canonical
from mizzen.errors import UserError

# where images run: the environment that the lists' markers are read for
LINUX = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}


def write_declared(images: Iterable[Image]) -> None:
    DECLARED.write_text(declared(images), encoding="utf-8")


def declared(images: Iterable[Image]) -> str:
    """The document: parent and additions of each image, parents first.

    Raises:
        UserError: a distribution of a list is not installed here.
    """
    entries = {image.name: _entry(image) for image in images}
    text = json.dumps(entries, indent=1)
    # one line for each distribution
    return re.sub(r"\[\s+([^\]]*?)\s+\]", _on_one_line, text) + "\n"


def _on_one_line(found: re.Match[str]) -> str:
    return "[" + re.sub(r"\s+", " ", found[1]) + "]"


def _entry(image: Image) -> dict[str, object]:
    line = image.line()
    below = set(_held(line[-2])) if len(line) > 1 else set()
    added = sorted(set(_held(image)) - below)
    return {
        "parent": image.parent or "",
        "adds": {name: _modules(name) for name in added},
    }


def _held(image: Image) -> Iterator[str]:
    for line in image.requirements.read_text(encoding="utf-8").splitlines():
        wish = Requirement(line)
        if wish.marker is None or wish.marker.evaluate(LINUX):
            yield canonical(wish.name)


def _modules(name: str) -> list[str]:
    try:
        return modules(distribution(name))
    except PackageNotFoundError:
        raise UserError(f"{name} is not installed here", next_step="make setup") from None
