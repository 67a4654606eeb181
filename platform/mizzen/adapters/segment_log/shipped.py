"""`ShippedLog`: the logs of services elsewhere, as one log on this machine.

Services ship their segments to `prediction_log.url` of the profile (see
`mizzen_serving.log_shipper.shipper`), as `<project>/<version>/<writer>/<segment>`. Each question
first brings what is new of them into `<home>/predictions-shipped/<project>`, then reads
that folder as the log of a service is read. Called by the drift job and by control.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from mizzen.adapters import backends
from mizzen.adapters.files.atomic import replace_text, replaced_file
from mizzen.adapters.files.folders import told_when_full
from mizzen.adapters.files.locks import locked
from mizzen.adapters.segment_log import reader, records, segment
from mizzen.adapters.segment_log.frames import frame
from mizzen.adapters.segment_log.index import IdIndex
from mizzen.core.place import Place
from mizzen.errors import NotFound, Unsupported, UserError
from mizzen.ports.objects import StoredObject
from mizzen.ports.prediction_log import LogCounts, LogWindow, Prediction, PredictionLog, TrueLabel

LABELS = "labels"  # in place of a version: segments that hold labels given from outside
_SIDE_BY_SIDE = 8
_EVERYTHING = LogWindow()


class ShippedLog(PredictionLog):
    """Reads what was shipped so far, and ships labels. It takes no predictions."""

    def __init__(self, place: Place) -> None:
        url = place.profile.prediction_log.url
        if url is None:
            raise UserError("the profile names no prediction_log.url")
        self._store = backends.open_objects(url)
        self._prefix = f"{place.project}/"
        self._name = segment.writer_name()
        self.folder = place.home / "predictions-shipped" / place.project
        self._index = IdIndex(self.folder)

    def append(self, predictions: Sequence[Prediction]) -> NoReturn:
        """Never: a service appends to a log of its own, beside it."""
        raise Unsupported("a shipped log takes no predictions", next_step="serve the model")

    def label(self, labels: Sequence[TrueLabel]) -> None:
        """Store the labels as one segment; it is there, whole, when this returns."""
        now = datetime.now(UTC)
        data = b"".join([frame(records.of_label(label, now)) for label in labels])
        name = segment.name_of(self._name)
        self._store.put(f"{self._prefix}{LABELS}/{self._name}/{name}", data)

    def read(self, window: LogWindow = _EVERYTHING) -> Iterator[Prediction]:
        """See the port."""
        self._synchronize()
        return reader.predictions(self.folder, window)

    def labels(self, until: datetime | None = None) -> Mapping[str, TrueLabel]:
        """See the port: over all versions and writers, whichever pod was told."""
        self._synchronize()
        return reader.labels(self.folder, until)

    def versions_of(self, ids: Set[str]) -> Mapping[str, int]:
        """See the port: of what was shipped so far."""
        self._synchronize()
        return self._index.versions_of(ids)

    def counts(self) -> LogCounts:
        """See the port."""
        self._synchronize()
        return reader.counts(self.folder)

    def check(self) -> None:
        """Raises what the store says when it cannot be read now."""
        next(iter(self._store.list(self._prefix)), None)

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def unsynced(self) -> int:
        """Nothing: what was stored is stored."""
        return 0

    @property
    def refused(self) -> int:
        """Nothing: what is not stored is an error."""
        return 0

    def _synchronize(self) -> None:
        """Make the folder hold what the store holds; only what changed is asked for."""
        index = self.folder / ".index.json"
        with self._alone():
            known, there = _read(index), self._segments()
            changed = [o for name, o in there.items() if known.get(name) != [o.key, o.tag]]
            for file in self.folder.glob(f"*{segment.SUFFIX}"):
                if file.name not in there:
                    file.unlink()
            try:
                with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
                    for done in pool.map(self._bring, changed):
                        known[_name(done)] = [done.key, done.tag]
            finally:
                # what came is not asked for again, whatever happened to the rest
                kept = {name: entry for name, entry in known.items() if name in there}
                replace_text(index, json.dumps(kept))

    def _segments(self) -> dict[str, StoredObject]:
        """A segment's name is its own in the world. Stored twice, the longer one is newer."""
        found: dict[str, StoredObject] = {}
        for stored in self._store.list(self._prefix):
            name = _name(stored)
            if not segment.is_name(name) or (name in found and found[name].size >= stored.size):
                continue
            found[name] = stored
        return found

    def _bring(self, stored: StoredObject) -> StoredObject:
        target = self.folder / _name(stored)
        try:
            with told_when_full("the shipped predictions"), replaced_file(target) as part:
                part.write_bytes(self._store.get(stored.key))
        except NotFound:
            target.unlink(missing_ok=True)  # its retention ended since it was listed
        return stored

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with locked(self.folder / ".lock"):
            yield


def _name(stored: StoredObject) -> str:
    return stored.key.rpartition("/")[2]


def _read(index: Path) -> dict[str, list[str]]:
    try:
        known: dict[str, list[str]] = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {n: entry for n, entry in known.items() if (index.parent / n).exists()}
