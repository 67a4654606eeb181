"""What a sidecar ships of a service's prediction log, and what is left to ship.

A closed segment is shipped as it is, bit for bit. Of one that is being written everything up to
its last whole record is shipped, again and again under the same key, so that what is stored is
always a whole beginning of the segment. Shipping the same content twice changes nothing.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mizzen.adapters.segment_log import frames, segment
from mizzen.ports.objects import ObjectStore

# an open segment is stored anew, from its beginning: large ones not at every look
_SMALL, _GROWTH, _PATIENCE = 4_000_000, 1.25, 60.0


@dataclass(slots=True)
class Shipped:
    """How a segment was when it was stored last. `whole`: no writer held it any more."""

    size: int = 0
    changed: int = 0
    digest: str = ""
    sent: int = 0
    whole: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is not stored yet. `open`: segments that a writer still holds."""

    bytes: int
    segments: int
    open: int

    @property
    def empty(self) -> bool:
        """Whether everything is stored that there was."""
        return self.segments == 0


@dataclass
class Shipper:
    """Ships the segments of one folder. `keep`: bytes that may lie here; beyond them the oldest
    segments go, of those that are stored. Not thread-safe."""

    folder: Path
    store: ObjectStore
    prefix: str
    version: int | None = None
    keep: int | None = None
    clock: Callable[[], float] = time.monotonic
    puts: int = 0
    sent_bytes: int = 0
    removed: int = 0
    _known: dict[str, Shipped] = field(default_factory=dict)
    _stored: dict[str, str] | None = None

    def look(self, everything: bool = False) -> None:
        """Ship what is new.

        Args:
            everything: open segments too, however little they grew.

        Raises:
            MizzenError: what the store says; what was not stored is tried again next time.
        """
        if self._stored is None:
            # a sidecar that was started again does not send everything again
            mine = self.prefix if self.version is None else f"{self.prefix}{self.version}/"
            self._stored = {o.key: o.tag for o in self.store.list(mine)}
        files = self._segments()
        for file in files:
            self._ship(file, everything)
        self._known = {file.name: self._known[file.name] for file in files}
        self._make_room(files)

    def backlog(self) -> Backlog:
        """What `look` would have to ship now."""
        size = count = held = 0
        for file in self._segments():
            known = self._known.get(file.name, Shipped())
            live, behind = _is_live(file), _size(file) - known.sent
            held += live
            if not known.whole and (behind > 0 or not live):
                size, count = size + max(0, behind), count + 1
        return Backlog(size, count, held)

    def _ship(self, file: Path, everything: bool) -> None:
        known = self._known.setdefault(file.name, Shipped())
        try:
            live = segment.is_live(file)  # before reading: a segment that is left is whole
            status = file.stat()
        except FileNotFoundError:
            return  # its retention ended
        same = (status.st_size, status.st_mtime_ns) == (known.size, known.changed)
        if same and live != known.whole:
            return
        if live and not everything and not self._due(known, status.st_size):
            return
        data = file.read_bytes()
        if live:
            data = data[: frames.whole(data)]
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if data and digest != known.digest:
            self._put(self._key(file, data), data, digest)
        known.size, known.changed = status.st_size, status.st_mtime_ns
        known.digest, known.sent, known.whole, known.at = digest, len(data), not live, self.clock()

    def _due(self, known: Shipped, size: int) -> bool:
        large = size > _SMALL and known.sent > 0
        waited = self.clock() - known.at >= _PATIENCE
        return not large or waited or size >= known.size * _GROWTH

    def _put(self, key: str, data: bytes, digest: str) -> None:
        stored = {} if self._stored is None else self._stored
        if stored.get(key) != digest:
            self.store.put(key, data)
            self.puts += 1
            self.sent_bytes += len(data)
        stored.pop(key, None)  # asked for once: from now on what was shipped is remembered

    def _key(self, file: Path, data: bytes) -> str:
        version = _version_of(data) if self.version is None else self.version
        return f"{self.prefix}{version}/{segment.writer_of(file)}/{file.name}"

    def _make_room(self, files: list[Path]) -> None:
        if self.keep is None:
            return
        excess = sum(map(_size, files)) - self.keep
        for file in files:
            if excess <= 0:
                return
            if self._known[file.name].whole:
                excess -= _size(file)
                file.unlink(missing_ok=True)
                self.removed += 1

    def _segments(self) -> list[Path]:
        """Oldest first; an empty one has nothing to ship."""
        found = sorted(self.folder.glob(f"*{segment.SUFFIX}"))
        return [file for file in found if segment.is_name(file.name) and _size(file)]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _is_live(file: Path) -> bool:
    try:
        return segment.is_live(file)
    except FileNotFoundError:
        return False


def _version_of(data: bytes) -> int:
    """The version that answered first; 0 for labels alone. The sidecar is told its version; one
    that is not finds it in the records."""
    from mizzen.adapters.segment_log import records

    for payload in frames.payloads(data, frames.Damage()):
        if payload[:1] in (records.PREDICTION, records.GIVEN):
            return records.to_prediction(payload).version
    return 0
