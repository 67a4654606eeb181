"""One process at a time computes the result of a key; the others wait and then find it."""

from __future__ import annotations

import os
from pathlib import Path

from mizzen.adapters.files.locks import take


class KeyLock:
    """Held until `release`, or until the process ends."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor = descriptor

    @classmethod
    def take(cls, folder: Path, key: str) -> KeyLock | None:
        """The lock, or None while somebody else holds it."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / key
        descriptor = take(file)
        # Whoever held it before removed the file with it: then this is no lock any more.
        if descriptor is not None and os.fstat(descriptor).st_nlink:
            return cls(file, descriptor)
        if descriptor is not None:
            os.close(descriptor)
        return None

    def release(self) -> None:
        """Let others compute or find the result."""
        self._file.unlink(missing_ok=True)
        os.close(self._descriptor)
