"""Which workers of a service are ready: a few bytes that all of its processes share."""

from __future__ import annotations

import mmap
import os


class WorkerBoard:
    """One byte for each worker, and one that says that all of them have been ready once."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._bytes = mmap.mmap(descriptor, 0)

    @classmethod
    def create(cls, workers: int) -> WorkerBoard:
        """For a service of so many workers."""
        descriptor = os.memfd_create("mizzen-workers")
        os.truncate(descriptor, workers + 1)
        return cls(descriptor)

    @property
    def wanted(self) -> int:
        """Workers that there should be."""
        return len(self._bytes) - 1

    @property
    def ready(self) -> int:
        """Workers that answer."""
        return sum(self._bytes[: self.wanted])

    @property
    def complete(self) -> bool:
        """Whether all of them have been ready at the same time once."""
        return bool(self._bytes[self.wanted])

    def set_ready(self, worker: int, ready: bool) -> None:
        """Say whether a worker answers."""
        self._bytes[worker] = ready
        if self.ready == self.wanted:
            self._bytes[self.wanted] = 1
