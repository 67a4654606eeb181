"""Mizzen's own images on the cluster: built by what `make images` runs, from the tree as it is.

`python tests/cluster images NAME...` and the tests call it. Their tag is `dev`; pods that run
keep what they started with until they are replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from testnode import places
from testnode.commands import run
from testnode.images import store
from testnode.images.base import BASE

BUILDER = places.HERE.parent.parent / "components" / "images"
PREFIX = "mizzen.test/"
TAG = "dev"


def image_name(name: str) -> str:
    """`serving` -> the name that pods use."""
    return f"{PREFIX}mizzen/{name}:{TAG}"


def build_mizzen_images(names: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Build them with all that they need; returns their names on the cluster.

    Raises:
        ClusterError: the builder refuses, with its words.
    """
    how = [f"--base={BASE}", f"--prefix={PREFIX}", f"--tag={TAG}", "--engine=buildah"]
    with store.storage_in_use():
        said = run([sys.executable, BUILDER, *names, *how], env=store.storage_env())
    say(said.strip())
    made = [image_name(name) for name in names]
    for name in made:
        store.forget_archive(name)
    store.drop_replaced()
    return made
