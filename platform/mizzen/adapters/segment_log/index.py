"""Which predictions a folder of segments holds, by their ids; every record is read once.

A label names a prediction, and services take many labels: reading segments again for each of them
would let whoever sends labels keep a service busy. Ids are kept as keyed digests of 8 bytes, so a
million of them cost 16 MB, and nobody can choose ids that are taken for others.
"""

from __future__ import annotations

import os
import secrets
import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Set
from hashlib import blake2b
from pathlib import Path

from mizzen.adapters.segment_log import records, segment
from mizzen.adapters.segment_log.frames import Damage, payloads, whole

_LOOSE = 50_000  # ids of a segment in a dictionary, before they are packed


class IdIndex:
    """Of one folder, which may be written meanwhile. Safe for threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = secrets.token_bytes(16)
        self._lock = threading.Lock()
        self._known: dict[str, _SegmentIds] = {}

    def versions_of(self, ids: Set[str]) -> dict[str, int]:
        """Those of the ids that are logged, each with the version that answered. The newest
        segments are looked at first, and no more of them than needed."""
        wanted = {self._digest(name): name for name in ids}
        found: dict[str, int] = {}
        with self._lock:
            for file in reversed(self._files()):
                if len(found) == len(ids):
                    break
                held = self._known.setdefault(file.name, _SegmentIds())
                for digest, version in self._unread(file, held):
                    held.add(digest, version)
                for digest, name in wanted.items():
                    answered = None if name in found else held.version_of(digest)
                    if answered is not None:
                        found[name] = answered
        return found

    def _files(self) -> list[Path]:
        files = sorted(
            f for f in self._folder.glob(f"*{segment.SUFFIX}") if segment.is_name(f.name)
        )
        names = {file.name for file in files}
        self._known = {name: held for name, held in self._known.items() if name in names}
        return files

    def _unread(self, file: Path, held: _SegmentIds) -> Iterator[tuple[int, int]]:
        """The records that came since the last look."""
        try:
            with file.open("rb") as content:
                if os.fstat(content.fileno()).st_size == held.end:
                    return
                content.seek(held.end)
                data = content.read()
        except FileNotFoundError:  # its retention ended meanwhile
            return
        end = whole(data)
        held.end += end
        for payload in payloads(data[:end], Damage()):
            if payload[:1] in (records.PREDICTION, records.GIVEN):
                name, version = records.to_id_and_version(payload)
                yield self._digest(name), version

    def _digest(self, name: str) -> int:
        text = name.encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=8, key=self._key).digest())


class _SegmentIds:
    """The ids of one segment up to the byte `end`, which is the end of a whole record."""

    def __init__(self) -> None:
        self.end = 0
        self._loose: dict[int, int] = {}
        self._packed: list[tuple[array[int], array[int]]] = []  # sorted digests, their versions

    def add(self, digest: int, version: int) -> None:
        """Of several versions that answered one request, the first counts."""
        if self.version_of(digest) is not None:
            return
        self._loose[digest] = version
        if len(self._loose) >= _LOOSE:
            digests = sorted(self._loose)
            self._packed.append(
                (array("Q", digests), array("q", [self._loose[one] for one in digests]))
            )
            self._loose = {}

    def version_of(self, digest: int) -> int | None:
        """Which version answered; None for an id that is not here."""
        if digest in self._loose:
            return self._loose[digest]
        for digests, versions in self._packed:
            at = bisect_left(digests, digest)
            if at < len(digests) and digests[at] == digest:
                return versions[at]
        return None
