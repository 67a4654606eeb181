"""What one node has on this machine, looked for and not remembered: nothing, once it is down.

`status` tells it, and the tests that kill nodes hold it to be empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from testnode.node import cgroups
from testnode.spec import NodeSpec

Footprint = dict[str, list[str]]
# where container runtimes leave things; a node has its own copies, so none of these is touched
SHARED_FOLDERS = (
    "/run/netns",
    "/run/containerd",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/pods",
)


def footprint(spec: NodeSpec) -> Footprint:
    found = {
        "processes": _processes(spec),
        "control groups": [str(group) for group in cgroups.left_over(spec.name)],
        "files": [str(spec.folder)] if spec.folder.exists() else [],
        **kept_by_kernel(spec),
    }
    return {kind: things for kind, things in found.items() if things}


def kept_by_kernel(spec: NodeSpec) -> Footprint:
    """What goes with the last process, but on the kernel's own time."""
    found = {
        "mounts": sorted(_mounts(spec)),
        "loop devices": [str(place.parent) for place in _loop_devices(spec)],
        "interfaces": [link.name for link in Path("/sys/class/net").glob(f"{spec.name}*")],
    }
    return {kind: things for kind, things in found.items() if things}


def shared_files() -> set[str]:
    """Everything in the folders that a careless node would write to."""
    return {str(path) for folder in SHARED_FOLDERS for path in Path(folder).rglob("*")}


def _processes(spec: NodeSpec) -> list[str]:
    """In the node's control groups, or started with a path of the node."""
    started = (
        process.name
        for process in Path("/proc").glob("[0-9]*")
        if str(spec.folder) in _read(process / "cmdline")
    )
    return sorted({*started, *(str(pid) for pid in cgroups.members(spec.name))})


def _mounts(spec: NodeSpec) -> Iterator[str]:
    """In every namespace of mounts, since the node's are in one of its own."""
    lines = {
        line
        for table in Path("/proc").glob("[0-9]*/mountinfo")
        for line in _read(table).splitlines()
    }
    yield from (line.split()[4] for line in lines if str(spec.folder) in line)


def _loop_devices(spec: NodeSpec) -> Iterator[Path]:
    for place in Path("/sys/block").glob("loop*/loop/backing_file"):
        if str(spec.folder) in _read(place):
            yield place


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:  # the process ended between listing and reading
        return ""
