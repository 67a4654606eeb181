"""Reading a folder of segments, also while writers append to it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from mizzen.adapters.segment_log import records, segment
from mizzen.adapters.segment_log.frames import Damage, payloads
from mizzen.ports.prediction_log import LogCounts, LogWindow, Prediction, TrueLabel


def predictions(folder: Path, window: LogWindow) -> Iterator[Prediction]:
    """Those of the window, in order of appending over all writers, each id once: the first
    record of an id counts, so that a repeated request is the same prediction."""
    streams = [_predictions_of(segments) for segments in _by_writer(folder)]
    seen: set[str] = set()
    for prediction, given in heapq.merge(*streams, key=lambda pair: pair[0].logged_at):
        if given:
            if prediction.id in seen:
                continue
            seen.add(prediction.id)
        if _inside(prediction, window):
            yield prediction


def labels(folder: Path) -> dict[str, TrueLabel]:
    """The label of each prediction id: the one known last, of those the one logged last."""
    found = (
        records.to_label(payload)
        for file in _segments(folder)
        for payload in _payloads(file, Damage())
        if payload[:1] == records.LABEL
    )
    ordered = sorted(found, key=lambda pair: (pair[0].at, pair[1]))
    return {label.prediction_id: label for label, _ in ordered}


def counts(folder: Path) -> LogCounts:
    """Everything that is there, and what was lost or refused."""
    damage = Damage()
    made = dropped = 0
    given: set[str] = set()
    labelled: set[str] = set()
    for file in _segments(folder):
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
    for file in _segments(folder):
        try:
            total += file.stat().st_size
        except FileNotFoundError:  # retention of another writer removed it meanwhile
            continue
    return total


def expire(folder: Path, before: float) -> None:
    """Remove segments without a writer whose last record is older than `before` (epoch
    seconds)."""
    for file in _segments(folder):
        try:
            if file.stat().st_mtime < before and not segment.is_live(file):
                file.unlink()
        except FileNotFoundError:
            continue


def _segments(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{segment.SUFFIX}"))


def _by_writer(folder: Path) -> Iterator[list[Path]]:
    files = sorted(_segments(folder), key=lambda file: (segment.writer_of(file), file.name))
    for _, group in groupby(files, key=segment.writer_of):
        yield list(group)


def _payloads(file: Path, damage: Damage) -> Iterator[bytes]:
    try:
        live = segment.is_live(file)  # before reading: a tail torn by a later death is whole here
        data = file.read_bytes()
    except FileNotFoundError:
        return
    yield from payloads(data, damage, live)


def _predictions_of(segments: list[Path]) -> Iterator[tuple[Prediction, bool]]:
    for file in segments:
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
