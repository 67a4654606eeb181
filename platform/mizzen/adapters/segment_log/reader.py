"""Reading a folder of segments, also while writers append to it."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from mizzen.adapters.segment_log import records, segment
from mizzen.adapters.segment_log.frames import Damage, payloads
from mizzen.ports.prediction_log import LogCounts, LogWindow, Prediction, TrueLabel


def predictions(folder: Path, window: LogWindow) -> Iterator[Prediction]:
    """Those of the window, in order of appending over all writers, each id once: the first
    record of an id counts, so that a repeated request is the same prediction. Asked for one
    version, what others answered to the same request (a mirror's copies) is none of it."""
    seen: set[str] = set()
    for prediction, given in _merged(segment.segments(folder)):
        if window.version not in (None, prediction.version):
            continue
        if given:
            if prediction.id in seen:
                continue
            seen.add(prediction.id)
        if _inside(prediction, window):
            yield prediction


def labels(folder: Path, until: datetime | None = None) -> dict[str, TrueLabel]:
    """The label of each prediction id: the one known last, of those the one logged last. What
    became known after `until` is not known yet."""
    found = (
        records.to_label(payload)
        for file in segment.segments(folder)
        for payload in _payloads(file, Damage())
        if payload[:1] == records.LABEL
    )
    ordered = sorted(found, key=lambda pair: (pair[0].at, pair[1]))
    return {
        label.prediction_id: label for label, _ in ordered if until is None or label.at <= until
    }


def counts(folder: Path) -> LogCounts:
    """Everything that is there, and what was lost or refused."""
    damage = Damage()
    made = dropped = 0
    given: set[str] = set()
    labelled: set[str] = set()
    for file in segment.segments(folder):
        for payload in _payloads(file, damage):
            kind = payload[:1]
            if kind == records.PREDICTION:
                made += 1
            elif kind == records.GIVEN:
                given.add(records.to_id(payload))
            elif kind == records.LABEL:
                labelled.add(records.to_id(payload))
            elif kind == records.DROPPED:
                dropped += records.to_dropped(payload)
    return LogCounts(made + len(given), len(labelled), damage.torn, dropped, corrupt=damage.corrupt)


def size(folder: Path) -> int:
    """Bytes of all segments."""
    total = 0
    for file in segment.segments(folder):
        try:
            total += file.stat().st_size
        except FileNotFoundError:  # retention of another writer removed it meanwhile
            continue
    return total


def expire(folder: Path, before: float) -> None:
    """Remove segments without a writer whose last record is older than `before` (epoch
    seconds)."""
    for file in segment.segments(folder):
        try:
            if file.stat().st_mtime < before and not segment.is_live(file):
                file.unlink()
        except FileNotFoundError:
            continue


Record = tuple[Prediction, bool]  # and whether its client gave the id
EARLY = timedelta(minutes=1)  # a record's time is taken before its segment is begun


def _merged(segments: list[Path]) -> Iterator[Record]:
    """Records by the time of their logging. A segment is opened when its time comes and left
    when it is read, so that thousands of them, of pods long gone, cost as much as those that
    were written side by side."""
    waiting = deque(segments)  # their names begin with the time at which they were begun
    heap: list[tuple[datetime, int, Record, Iterator[Record]]] = []
    opened = 0
    while waiting or heap:
        while waiting and (not heap or segment.begun_at(waiting[0]) <= heap[0][0] + EARLY):
            stream = _predictions_of(waiting.popleft())
            opened += 1
            _push(heap, opened, stream)
        if heap:
            _, number, record, stream = heapq.heappop(heap)
            yield record
            _push(heap, number, stream)


def _push(heap: list[Any], number: int, stream: Iterator[Record]) -> None:
    record = next(stream, None)
    if record is not None:
        heapq.heappush(heap, (record[0].logged_at, number, record, stream))


def _payloads(file: Path, damage: Damage) -> Iterator[bytes]:
    try:
        live = segment.is_live(file)  # before reading: a tail torn by a later death is whole here
        with file.open("rb") as content:
            if live:
                yield from payloads(content.read(), damage, live)
                return
            # nobody changes it any more; what is mapped is not held in memory
            with mmap(content.fileno(), 0, access=ACCESS_READ) as data:
                yield from payloads(data, damage)
    except FileNotFoundError:
        return


def _predictions_of(file: Path) -> Iterator[Record]:
    for payload in _payloads(file, Damage()):
        kind = payload[:1]
        if kind in (records.PREDICTION, records.GIVEN):
            yield records.to_prediction(payload), kind == records.GIVEN


def _inside(prediction: Prediction, window: LogWindow) -> bool:
    return (
        (window.start is None or prediction.at >= window.start)
        and (window.end is None or prediction.at < window.end)
        and (window.version is None or prediction.version == window.version)
    )
