"""Which cluster the tests get: the one table that CLUSTER=<name> is looked up in.

`cli` and conftest.py call `choose`; everything after that is the same for every provider.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from testnode.addons.catalogue import addon
from testnode.addons.install import install
from testnode.building import parts
from testnode.errors import ClusterError
from testnode.kubectl import Kubectl


class Provider(Protocol):
    """A cluster that can be had and given back."""

    name: str

    def require(self) -> None:
        """Raise ClusterError unless it can be had on this machine now."""

    def running(self) -> bool: ...

    def up(self) -> str:
        """Make it usable and say in one line what there is."""

    def down(self) -> None:
        """Give it back. Idempotent."""

    def status(self) -> str: ...

    def kubectl(self) -> Kubectl: ...

    def load_image(self, name: str) -> None:
        """Make a local image known to the cluster."""

    def keep_logs(self, target: Path) -> None: ...


def require_addon(name: str) -> None:
    """Raise unless the parts that the add-on is made of are built."""
    missing = parts.missing(("helm", addon(name).source.part))
    if missing:
        raise ClusterError(
            f"{name} needs {', '.join(missing)}, not built yet",
            next_step="make cluster-build   (python tests/cluster build)",
        )


def add(provider: Provider, name: str) -> None:
    """Install an add-on with its images."""
    require_addon(name)
    wanted = addon(name)
    for image in wanted.images:
        provider.load_image(image)
    install(wanted, provider.kubectl())


def choose(name: str = "") -> Provider:
    """The provider called `name`, else `$CLUSTER`, else the node of our own."""
    wanted = name or os.environ.get("CLUSTER", "") or "node"
    if wanted not in PROVIDERS:
        raise ClusterError(
            f"CLUSTER={wanted}",
            allowed=", ".join(PROVIDERS),
            next_step="leave it unset for a node of our own",
        )
    return PROVIDERS[wanted]()


def _node() -> Provider:
    from testnode.providers.node import NodeProvider

    return NodeProvider.from_environment()


def _kind() -> Provider:
    from testnode.providers.kind import KindProvider

    return KindProvider()


def _current() -> Provider:
    from testnode.providers.current import CurrentProvider

    return CurrentProvider()


PROVIDERS: dict[str, Callable[[], Provider]] = {
    "node": _node,
    "kind": _kind,
    "current": _current,
}
