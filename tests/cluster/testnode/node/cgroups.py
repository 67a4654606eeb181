"""The node's control groups: how its processes are accounted, found and ended.

Everything the node starts, pods included, is below one group per controller, so that a node
whose files are gone can still be found and swept.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from testnode.errors import ClusterError

ROOT = Path("/sys/fs/cgroup")
SYSTEM = "system"  # where the node's own programs are; pods are beside it, in groups of workers
COUNTED = "pids"  # the controller whose lists of processes are read


def require_version_1() -> None:
    if not (ROOT / COUNTED).is_dir():
        raise ClusterError(
            f"{ROOT} has no {COUNTED} controller of control groups version 1",
            allowed="version 1; the node's settings are made for it",
            next_step="CLUSTER=kind, where Docker is at hand",
        )


def controllers() -> list[Path]:
    return [place for place in ROOT.iterdir() if place.is_dir() and not place.is_symlink()]


def create(name: str, *below: str) -> None:
    """The group of a node, and those below it that are not made by whoever uses them."""
    for controller in controllers():
        top = controller / name
        for group in (top, *(top / each for each in (SYSTEM, *below))):
            group.mkdir(exist_ok=True)
            _inherit_cpus(group)


def members(name: str) -> list[int]:
    """Process ids, as seen from here, of everything in the node. Pods come and go meanwhile; a
    group that ends while it is walked through is left out."""
    groups = (Path(folder) for folder, _, _ in os.walk(ROOT / COUNTED / name))
    return [int(word) for group in groups for word in _read(group / "cgroup.procs").split()]


def remove(name: str) -> None:
    """Delete the groups, deepest first; a group that still has a process refuses."""
    for controller in controllers():
        top = controller / name
        folders = [folder for folder in top.rglob("*") if folder.is_dir()]
        for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            folder.rmdir()
        if top.is_dir():
            top.rmdir()


def left_over(name: str) -> list[Path]:
    return [controller / name for controller in controllers() if (controller / name).is_dir()]


def _inherit_cpus(group: Path) -> None:
    """A new cpuset group of version 1 has no CPU at all and takes no process until it has."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        if (group / setting).exists() and not _read(group / setting).strip():
            (group / setting).write_text(_read(group.parent / setting))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise
        return ""  # the group ended between listing and reading
