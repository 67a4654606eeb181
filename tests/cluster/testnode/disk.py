"""The node's disk: one sparse file that the supervisor mounts in the node's own namespace.

Images unpack into tens of thousands of files. Deleted one by one from the machine's disk they
take half a minute where that disk discards at once; deleted as one file, a fraction of a second.
"""

from __future__ import annotations

from testnode.commands import run
from testnode.spec import NodeSpec

SIZE = 60 << 30  # an upper bound: only what is written takes room


def make_disk(spec: NodeSpec) -> None:
    with spec.disk.open("wb") as image:
        image.truncate(SIZE)
    # no journal, no reserve: a disk that never sees a second boot needs neither
    fast = ["-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", "-m", "0"]
    run(["mkfs.ext4", "-q", *fast, spec.disk])
