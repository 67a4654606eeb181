"""Every sentence of the log's loss contract."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.place import Place
from mizzen.errors import TemporaryError
from mizzen.ports.prediction_log import LogWindow, Prediction, TrueLabel

DAY = datetime(2013, 7, 1, tzinfo=UTC)
MADE = "01890a5d-ac96-774b-bcce-b302099a{:04x}"  # version 7: made by the service
GIVEN = "01890a5d-ac96-574b-bcce-b302099a{:04x}"  # version 5: given by a client


def prediction(number: int, version: int = 1, ids: str = MADE, at: datetime = DAY) -> Prediction:
    return Prediction(
        id=ids.format(number),
        at=at + timedelta(hours=number),
        model="tiny",
        version=version,
        key={"flight": number},
        features={"distance": 1400.5, "carrier": "UA", "wind": None},
        output=0.25,
        logged_at=datetime.now(UTC),
    )


def segments(log: SegmentLog) -> list[Path]:
    return sorted(log.folder.glob("*.seg"))


def test_reads_back_what_was_appended(open_log) -> None:
    log = open_log()
    written = [prediction(n) for n in range(5)]
    log.append(written[:3])
    log.append(written[3:])
    assert list(log.read()) == written


def test_reads_a_window_by_event_time_and_version(open_log) -> None:
    log = open_log()
    log.append([prediction(n, version=1 + n % 2) for n in range(10)])
    window = LogWindow(DAY + timedelta(hours=2), DAY + timedelta(hours=8), version=2)
    assert [p.key["flight"] for p in log.read(window)] == [3, 5, 7]


def test_takes_numpy_values_as_plain_ones(open_log) -> None:
    log = open_log()
    one = prediction(1)
    numbers = {"distance": np.float32(2.5), "hour": np.int64(7)}
    log.append([Prediction(one.id, one.at, "m", 1, {}, numbers, np.array([0.5, 0.5]), one.at)])
    read = next(log.read())
    assert (read.features, read.output) == ({"distance": 2.5, "hour": 7}, [0.5, 0.5])


def test_a_repeated_request_counts_once(open_log) -> None:
    log = open_log()
    first = prediction(1, version=1, ids=GIVEN)
    log.append([first])
    log.append([prediction(1, version=2, ids=GIVEN), prediction(2, ids=GIVEN)])
    assert [p.version for p in log.read()] == [1, 1]
    assert log.counts().predictions == 2


def test_a_shadowed_request_is_a_prediction_of_each_version(open_log) -> None:
    log = open_log()
    log.append([prediction(1, version=1, ids=GIVEN), prediction(1, version=2, ids=GIVEN)])
    for version in (1, 2):
        assert [p.version for p in log.read(LogWindow(version=version))] == [version]


def test_a_later_label_replaces_an_earlier_one_whatever_arrives_first(open_log) -> None:
    log = open_log()
    log.label([TrueLabel("a", 1, DAY + timedelta(hours=2))])
    log.label([TrueLabel("a", 0, DAY), TrueLabel("b", "seven", DAY)])
    log.label([TrueLabel("b", "eight", DAY)])
    assert {key: label.value for key, label in log.labels().items()} == {"a": 1, "b": "eight"}
    assert log.counts().labels == 2


def test_several_writers_have_segments_of_their_own(open_log) -> None:
    one, two = open_log(), open_log()
    for n in range(0, 6, 2):
        one.append([prediction(n)])
        two.append([prediction(n + 1)])
    assert len(segments(one)) == 2
    assert [p.key["flight"] for p in open_log().read()] == list(range(6))


def test_reading_an_absent_log_finds_nothing_and_creates_nothing(open_log) -> None:
    log = open_log()
    assert list(log.read()) == []
    assert not log.folder.exists()


def test_a_torn_tail_is_skipped_and_counted(open_log) -> None:
    log = open_log()
    log.append([prediction(n) for n in range(3)])
    log.close()
    (segment,) = segments(log)
    segment.write_bytes(segment.read_bytes()[:-7])
    assert len(list(log.read())) == 2
    assert (log.counts().predictions, log.counts().torn, log.counts().corrupt) == (2, 1, 0)


def test_an_unfinished_tail_of_a_living_writer_is_no_damage(open_log) -> None:
    log = open_log()
    log.append([prediction(1)])
    with segments(log)[0].open("ab") as file:
        file.write(b"\xf5MZ\x01\x40")
    assert (log.counts().predictions, log.counts().torn) == (1, 0)


@pytest.mark.parametrize("part", ["head", "length", "content"])
def test_a_tampered_record_is_counted_and_the_others_are_read(open_log, part: str) -> None:
    log = open_log()
    log.append([prediction(n) for n in range(5)])
    log.close()
    (segment,) = segments(log)
    data = bytearray(segment.read_bytes())
    second = data.index(b"\xf5MZ\x01", 1)
    data[second + {"head": 0, "length": 6, "content": 40}[part]] ^= 0x5A
    segment.write_bytes(data)
    assert [p.key["flight"] for p in log.read()] == [0, 2, 3, 4]
    assert (log.counts().predictions, log.counts().corrupt, log.counts().torn) == (4, 1, 0)


def test_a_full_log_refuses_counts_and_says_what_to_do(open_log) -> None:
    log = open_log(max_mb=1)
    batch = [prediction(n) for n in range(1000)]
    with pytest.raises(TemporaryError, match="max_mb"):
        for _ in range(100):
            log.append(batch)
    assert log.refused == 1000
    log.close()
    counts = log.counts()
    assert counts.dropped == 1000
    assert counts.predictions == len(list(log.read())) > 0


def test_segments_rotate_by_size_and_expire_by_age(open_log) -> None:
    log = open_log(segment_mb=1, retention="1d")
    batch = [prediction(n) for n in range(2000)]
    while len(segments(log)) < 3:
        log.append(batch)
    log.close()
    kept = segments(log)
    two_days_ago = time.time() - 2 * 86_400
    os.utime(kept[0], (two_days_ago, two_days_ago))
    log.append(batch)
    log.close()
    assert kept[0] not in segments(log)
    assert set(kept[1:]) < set(segments(log))


def test_appended_records_become_durable_within_a_window(open_log) -> None:
    log = open_log(commit_window_ms=20)
    log.append([prediction(1)])
    assert log.unsynced > 0
    deadline = time.monotonic() + 10
    while log.unsynced and time.monotonic() < deadline:
        time.sleep(0.005)
    assert log.unsynced == 0


WRITER = """
import os, sys
from datetime import UTC, datetime
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.place import Place
from mizzen.ports.prediction_log import Prediction, TrueLabel
log, n = SegmentLog(Place.from_environment(os.environ)), 0
while True:
    now = datetime.now(UTC)
    ids = [f"{sys.argv[1]}-{n + i}" for i in range(3)]
    log.append([Prediction(i, now, "m", 1, {"k": i}, {"x": 1.5}, 0.5, now) for i in ids])
    log.label([TrueLabel(ids[0], 1, now)])
    print(*ids, flush=True)
    n += 3
"""


def test_what_was_acknowledged_survives_kill_9_under_load(place: Place) -> None:
    environment = {**os.environ, **place.to_environment()}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    acknowledged: set[str] = set()
    for writer in writers:
        for _ in range(200):
            acknowledged.update(writer.stdout.readline().split())
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        lines = writer.communicate()[0].splitlines(keepends=True)
        acknowledged.update(i for line in lines if line.endswith("\n") for i in line.split())
    log = SegmentLog(place)
    read = [p.id for p in log.read()]
    assert len(read) == len(set(read))
    assert acknowledged <= set(read)
    assert len(set(read) - acknowledged) <= 2 * 3  # written, and killed before the answer
    first_of_each_batch = {i for i in acknowledged if int(i.split("-")[1]) % 3 == 0}
    assert first_of_each_batch <= set(log.labels())
    assert log.counts().corrupt == 0
