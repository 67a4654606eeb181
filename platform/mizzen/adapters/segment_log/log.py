"""`SegmentLog`: the prediction log of one project, below `<home>/predictions/<project>`.

The service appends to it on its hot path; the drift job, quality and control read it, from
other processes and while it is written. The loss contract is told in
docs/explanation/prediction-log.md; each of its sentences is a test.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime

from mizzen.adapters.segment_log import reader, records
from mizzen.adapters.segment_log.committer import Committer
from mizzen.adapters.segment_log.frames import frame
from mizzen.adapters.segment_log.index import IdIndex
from mizzen.adapters.segment_log.segment import Segment, sync_folder, try_room, writer_name
from mizzen.core.place import Place
from mizzen.errors import TemporaryError
from mizzen.ports.prediction_log import LogCounts, LogWindow, Prediction, PredictionLog, TrueLabel
from mizzen.spec.duration import to_timedelta
from mizzen.spec.operation import PredictionLogSettings

MEGABYTE = 1_000_000
_SEGMENT_AGE = 86_400.0  # a quiet service rotates too, so that retention reaches its records
_EVERYTHING = LogWindow()


class SegmentLog(PredictionLog):
    """Append-only segments with group commit. Thread-safe; reading creates no file."""

    def __init__(self, place: Place, settings: PredictionLogSettings | None = None) -> None:
        self._settings = settings or PredictionLogSettings()
        self.folder = place.home / "predictions" / place.project
        self._index = IdIndex(self.folder)
        self._name = writer_name()
        self._lock = threading.Lock()
        self._segment: Segment | None = None
        self._opened = 0.0
        self._retired: list[Segment] = []
        self._committer: Committer | None = None
        self._room = 0
        self._measured = 0.0
        self._fresh = False
        self._unsynced = self._refused = self._reported = 0
        self._fault: OSError | None = None
        self._write_fault: OSError | None = None  # of the last append
        self._room_fault: OSError | None = None
        self._tried = 0.0

    def append(self, predictions: Sequence[Prediction]) -> None:
        """Returns once the records were handed to the kernel: they survive SIGKILL.

        Raises:
            TemporaryError: the log is full (`max_mb`) or the disk refuses; the records were
                counted as dropped and none of them is in the log.
        """
        of_prediction = records.of_prediction
        data = b"".join([frame(of_prediction(prediction)) for prediction in predictions])
        self._write(data, len(predictions))

    def label(self, labels: Sequence[TrueLabel]) -> None:
        """Append labels, with the same promise and the same errors as `append`."""
        now = datetime.now(UTC)
        data = b"".join([frame(records.of_label(label, now)) for label in labels])
        self._write(data, len(labels))

    def read(self, window: LogWindow = _EVERYTHING) -> Iterator[Prediction]:
        """Predictions of a window, in order of appending, each id once."""
        return reader.predictions(self.folder, window)

    def labels(self, until: datetime | None = None) -> Mapping[str, TrueLabel]:
        """The label of each prediction id that was known last, by `until`."""
        return reader.labels(self.folder, until)

    def versions_of(self, ids: Set[str]) -> Mapping[str, int]:
        """See the port."""
        return self._index.versions_of(ids)

    def counts(self) -> LogCounts:
        """Counts over all writers; refusals of a live writer appear within a commit window."""
        return reader.counts(self.folder)

    @property
    def unsynced(self) -> int:
        """Bytes that a power failure would lose now."""
        return self._unsynced

    @property
    def refused(self) -> int:
        """Records that this process refused."""
        return self._refused

    def check(self) -> None:
        """Open the segment. Raises TemporaryError when an append would be refused now."""
        with self._lock:
            self._writable(0)
            self._reserve(0, 0)
            fault = self._fault or self._write_fault or self._try_room()
            if fault is not None:
                raise self._refusal(0, fault)

    def close(self) -> None:
        """Make everything durable and end the writing; another append begins it anew."""
        if self._committer is not None:
            self._committer.stop()
            self._commit()
        with self._lock:
            if self._segment is not None:
                self._segment.close()
            self._segment = self._committer = None

    def _write(self, data: bytes, count: int) -> None:
        with self._lock:
            segment = self._writable(count)
            self._reserve(len(data), count)
            try:
                segment.write(data)
            except OSError as error:
                self._write_fault = error
                raise self._refusal(count, error) from error
            self._write_fault = None
            self._room -= len(data)
            self._unsynced += len(data)
        if self._committer is not None:
            self._committer.wake()

    def _writable(self, count: int) -> Segment:
        """The open segment, or a new one where it is full or old."""
        now = time.monotonic()
        current = self._segment
        if (
            current is not None
            and current.size < self._settings.segment_mb * MEGABYTE
            and now - self._opened < _SEGMENT_AGE
        ):
            return current
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = Segment(self.folder, self._name)
        except OSError as error:
            raise self._refusal(count, error) from error
        if current is not None:
            self._retired.append(current)
        self._segment, self._opened = fresh, now
        self._measured, self._fresh = 0.0, True
        if self._committer is None:
            self._committer = Committer(self._settings.commit_window_ms / 1000, self._commit)
        return fresh

    def _try_room(self) -> OSError | None:
        """Whether the disk takes what an append may need; asked once a second."""
        now = time.monotonic()
        if now - self._tried > 1.0:
            self._tried, self._room_fault = now, try_room(self.folder, self._name)
        return self._room_fault

    def _reserve(self, size: int, count: int) -> None:
        """Other writers share `max_mb`, so the room is measured again once a second."""
        now = time.monotonic()
        if now - self._measured > 1.0:
            self._room = self._settings.max_mb * MEGABYTE - reader.size(self.folder)
            self._measured = now
        if self._room <= size:
            raise self._refusal(count, f"{self._settings.max_mb} MB are in use (max_mb)")

    def _refusal(self, count: int, why: object) -> TemporaryError:
        self._refused += count
        if self._committer is not None:
            self._committer.wake()
        return TemporaryError(
            f"the prediction log in {self.folder} takes no records",
            given=why,
            next_step="free space, raise serving.log.max_mb, or shorten serving.log.retention",
        )

    def _commit(self) -> bool:
        with self._lock:
            self._report_refusals()
            segment, pending, retired = self._segment, self._unsynced, self._retired
            fresh, self._retired, self._fresh = self._fresh, [], False
        try:
            for old in retired:
                old.close()
            if segment is not None:
                segment.sync()
            if fresh:
                self._tidy()
        except OSError as error:
            # after a failed sync the kernel forgets what it could not write, so a later
            # success proves nothing: the fault stays until the process is started again
            self._fault = error
            return False
        with self._lock:
            self._unsynced -= pending
        return self._reported < self._refused

    def _tidy(self) -> None:
        sync_folder(self.folder)
        keep = to_timedelta(self._settings.retention).total_seconds()
        reader.expire(self.folder, time.time() - keep)

    def _report_refusals(self) -> None:
        """Refusals become part of the log as soon as the disk takes a few bytes again."""
        if self._reported == self._refused or self._segment is None:
            return
        data = frame(records.of_dropped(self._refused - self._reported))
        try:
            self._segment.write(data)
        except OSError:
            return
        self._unsynced += len(data)
        self._reported, self._write_fault = self._refused, None
