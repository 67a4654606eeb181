"""What has to be told to MLflow, on disk until it was told.

One file for each run, `<home>/tracking/<run>.jsonl`; its owner holds a lock on it, so that
another run's tracker only sends what a dead one left behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from mizzen.adapters.files.locks import try_hold

Record = dict[str, Any]


class Outbox:
    """Records of one run in order; sent ones are dropped."""

    def __init__(self, file: Path, handle: IO[str]) -> None:
        self.file = file
        self._handle = handle
        self._waiting = list(_read(file))

    @classmethod
    def open(cls, file: Path) -> Outbox | None:
        """Own the outbox; None while another process does."""
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("a", encoding="utf-8")
        if try_hold(handle):
            return cls(file, handle)
        handle.close()
        return None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, record: Record) -> None:
        """Keep a record; it survives this process."""
        self._handle.write(json.dumps(record) + "\n")
        self._handle.flush()
        self._waiting.append(record)

    def send(self, tell: Callable[[Record], None]) -> None:
        """Tell everything that waits, in order; what `tell` raises ends it and keeps the rest.
        After a crash in the middle records are told again: telling is idempotent."""
        while self._waiting:
            tell(self._waiting[0])
            self._waiting.pop(0)
        self._handle.truncate(0)

    def close(self) -> None:
        """Let go; the file goes when nothing is left in it, else it holds just the rest."""
        if self._waiting:
            self._handle.truncate(0)
            self._handle.writelines(json.dumps(record) + "\n" for record in self._waiting)
        else:
            with suppress(FileNotFoundError):
                self.file.unlink()
        self._handle.close()


def left_behind(folder: Path, but: Path) -> Iterator[Outbox]:
    """Outboxes that no process owns any more."""
    for file in sorted(folder.glob("*.jsonl")):
        outbox = Outbox.open(file) if file != but else None
        if outbox is not None:
            yield outbox


def _read(file: Path) -> Iterator[Record]:
    for line in file.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):  # a line that a crash left half-written
            yield json.loads(line)
