"""The node's disk: one sparse file that the supervisor mounts in the node's own namespace.

Images unpack into tens of thousands of files. Deleted one by one from the machine's disk they
take half a minute where that disk discards at once; deleted as one file, a fraction of a second.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from testnode.commands import run
from testnode.spec import DISK, NodeSpec

SIZE = 60 << 30  # an upper bound: only what is written takes room
SHUT_DOWN = 0x8004587D  # the kernel's FS_IOC_SHUTDOWN
WITHOUT_WRITING = 2


def make_disk(spec: NodeSpec) -> None:
    with spec.disk.open("wb") as image:
        image.truncate(SIZE)
    # no journal, no reserve: a disk that never sees a second boot needs neither
    fast = ["-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", "-m", "0"]
    run(["mkfs.ext4", "-q", *fast, spec.disk])


def abandon_disk(first_process: int) -> None:
    """Tell the kernel not to save what is about to be deleted: else it writes it all, for half
    a minute on a busy machine, before it lets go of the file.
    """
    try:
        root = os.open(Path(f"/proc/{first_process}/root") / DISK.relative_to("/"), os.O_RDONLY)
    except OSError:  # it died halfway: not mounted yet, or gone already
        return
    try:
        fcntl.ioctl(root, SHUT_DOWN, struct.pack("I", WITHOUT_WRITING))
    finally:
        os.close(root)
