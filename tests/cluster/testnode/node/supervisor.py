"""The first process inside a node's namespaces; `netns.open_netns` starts it, nobody imports it.

It makes the node's private view of the disk, waits for its network link, starts the programs
of the plan and starts again what ends. All else hangs on its life: when it is killed, the
kernel ends every process of the node, and with the last one go mounts and interfaces.

Standard library only and no import of this package: it runs as a file of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HOME = Path("/run/mizzen")
LINK = "eth0"
PAUSE_S = 0.5  # before a program is started again
DISK = HOME / "disk"


def main(plan_file: str) -> None:
    plan = json.loads(Path(plan_file).read_text())
    _join_groups(plan["name"])
    _make_private_view(Path(plan["folder"]), plan["usual"])
    _make_folders(plan["folders"])
    _join_network(plan["addresses"], plan["gateway"])
    _keep_running(plan["processes"])


def _join_groups(name: str) -> None:
    for group in Path("/sys/fs/cgroup").glob(f"*/{name}/system/cgroup.procs"):
        group.write_text("0")  # the kernel reads 0 as the writer


def _make_private_view(folder: Path, usual: dict[str, str]) -> None:
    """/run is new, /var takes writes that only the node sees, the node's disk is mounted."""
    _run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    HOME.mkdir()
    _run("mount", "--bind", str(folder), str(HOME))
    DISK.mkdir()
    # without barriers: nothing on it outlives the node, so nothing has to reach the machine
    _run("mount", "-o", "loop,noatime,nobarrier", str(folder / "disk.img"), str(DISK))
    for name in ("var", "work"):
        (DISK / name).mkdir()
    layers = f"lowerdir=/var,upperdir={DISK}/var,workdir={DISK}/work"
    _run("mount", "-t", "overlay", "-o", layers, "overlay", "/var")
    for name, place in usual.items():
        (DISK / name).mkdir()
        Path(place).mkdir(exist_ok=True)
        _run("mount", "--bind", str(DISK / name), place)
    _run("mount", "--make-rshared", "/")  # pods may ask for mounts that propagate


def _make_folders(owners: dict[str, str]) -> None:
    for name, owner in owners.items():
        (DISK / name).mkdir()
        shutil.chown(DISK / name, owner)


def _join_network(addresses: list[str], gateway: str) -> None:
    while not Path(f"/proc/sys/net/ipv4/conf/{LINK}").exists():
        time.sleep(0.02)  # netns.open_netns makes the link once it has seen this process
    _run("ip", "link", "set", "lo", "up")
    for address in addresses:
        _run("ip", "address", "add", f"{address}/24", "dev", LINK)
    _run("ip", "link", "set", LINK, "up")
    _run("ip", "route", "add", "default", "via", gateway)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _keep_running(processes: list[dict[str, Any]]) -> None:
    running = {child.pid: (child, told) for told in processes for child in [_start(told)]}
    while True:
        pid, status = os.wait()  # also reaps what containerd's shims orphan
        if pid not in running:
            continue
        child, ended = running.pop(pid)
        child.returncode = os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{ended['name']} ended with {child.returncode}; starting it again\n")
        sys.stdout.flush()
        time.sleep(PAUSE_S)
        again = _start(ended)
        running[again.pid] = (again, ended)


def _start(process: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Whoever lets go of what this returns loses the child's end: the next start reaps it."""
    log = HOME / "log" / f"{process['name']}.log"
    with log.open("a") as output:
        return subprocess.Popen(
            process["argv"],
            env={**os.environ, **process["env"]},
            user=process["user"],
            group=process["user"],
            extra_groups=[],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)


if __name__ == "__main__":
    main(sys.argv[1])
