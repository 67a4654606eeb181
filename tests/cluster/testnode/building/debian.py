"""The parts that Debian packages well: the container runtime, its plugins and the tools.

`build` installs what is missing. They are not pinned: a Debian release keeps their versions.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from testnode.commands import run
from testnode.errors import ClusterError

# program -> package; a program is looked for on PATH and where Debian puts system programs
PACKAGES: dict[str, str] = {
    "containerd": "containerd",
    "runc": "runc",  # crun was tried on control groups of version 1 and is no substitute
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "nft": "nftables",
    "conntrack": "conntrack",
    "socat": "socat",  # kubectl port-forward runs it
    "openssl": "openssl",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mkfs.ext4": "e2fsprogs",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
}
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def missing_packages() -> list[str]:
    return sorted({package for name, package in PACKAGES.items() if not _present(name)})


def install_missing() -> list[str]:
    """Install by apt-get what is not there.

    Raises:
        ClusterError: not Debian, or not root.
    """
    wanted = missing_packages()
    if not wanted:
        return []
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise ClusterError(
            f"missing: {', '.join(wanted)}",
            allowed="root on a Debian with apt-get, or CLUSTER=kind where Docker is",
            next_step=f"apt-get install --no-install-recommends {' '.join(wanted)}",
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted], env=quiet)
    return wanted


def _present(name: str) -> bool:
    return Path(name).exists() if "/" in name else bool(shutil.which(name, path=SYSTEM_PATH))
