"""The prediction log leaves the pod: whole, once, and never silently not at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mizzen.adapters import backends
from mizzen.adapters.segment_log import reader
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.adapters.segment_log.shipped import ShippedLog
from mizzen.core.place import Place
from mizzen.errors import NotFound, TemporaryError, Unsupported, UserError
from mizzen.ports.objects import ObjectStore
from mizzen.ports.prediction_log import LogWindow, Prediction, TrueLabel
from mizzen.spec.profile import Profile
from mizzen_serving.log_shipper.__main__ import main
from mizzen_serving.log_shipper.shipper import Shipper

DAY = datetime(2013, 7, 1, tzinfo=UTC)
MADE = "01890a5d-ac96-774b-bcce-b302099a{:04x}"


def prediction(number: int, version: int = 1) -> Prediction:
    return Prediction(
        id=MADE.format(number),
        at=DAY + timedelta(hours=number),
        model="tiny",
        version=version,
        key={"flight": number},
        features={"distance": 1400.5, "carrier": "UA"},
        output=0.25,
        logged_at=datetime.now(UTC),
    )


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    return f"file://{tmp_path}/bucket"


@pytest.fixture
def store(bucket: str) -> ObjectStore:
    return backends.open_objects(bucket)


@pytest.fixture
def elsewhere(tmp_path: Path, bucket: str) -> Place:
    """A machine that reads what the pods shipped."""
    document = {
        "apiVersion": "mizzen.dev/v1",
        "kind": "Profile",
        "prediction_log": {"url": bucket},
    }
    return Place("tiny", tmp_path / "elsewhere", Profile.model_validate(document))


def shipper_of(log: SegmentLog, store: ObjectStore, keep: int | None = None) -> Shipper:
    return Shipper(log.folder, store, "tiny/", 1, keep)


def keys(store: ObjectStore) -> list[str]:
    return [stored.key for stored in store.list("")]


def test_a_closed_segment_is_shipped_bit_for_bit_under_its_key(open_log, store) -> None:
    log = open_log()
    log.append([prediction(n) for n in range(3)])
    log.close()
    shipper_of(log, store).look()
    (segment,) = log.folder.glob("*.seg")
    writer = segment.stem.split("-", 1)[1]
    assert keys(store) == [f"tiny/1/{writer}/{segment.name}"]
    assert store.get(keys(store)[0]) == segment.read_bytes()


def test_what_is_shipped_is_read_elsewhere_with_its_labels(open_log, store, elsewhere) -> None:
    pods = [open_log(), open_log()]
    for n in range(6):
        pods[n % 2].append([prediction(n, version=1 + n % 2)])
    pods[1].label([TrueLabel(MADE.format(0), 1, DAY)])  # the pod that did not predict is told
    for log in pods:
        log.close()
    shipper_of(pods[0], store).look()
    shipped = ShippedLog(elsewhere)
    assert [p.key["flight"] for p in shipped.read()] == list(range(6))
    assert [p.key["flight"] for p in shipped.read(LogWindow(version=2))] == [1, 3, 5]
    assert {key: label.value for key, label in shipped.labels().items()} == {MADE.format(0): 1}
    counts = shipped.counts()
    assert (counts.predictions, counts.labels, counts.torn, counts.corrupt) == (6, 1, 0, 0)


def test_shipping_again_sends_nothing_and_counts_nothing_twice(open_log, store, elsewhere) -> None:
    log = open_log()
    log.append([prediction(1)])
    log.close()
    shipper = shipper_of(log, store)
    shipper.look()
    shipper.look()
    assert shipper.puts == 1
    shipper_of(log, store).look()  # a sidecar that was started again
    assert len(keys(store)) == 1
    assert ShippedLog(elsewhere).counts().predictions == 1


def test_an_open_segment_is_shipped_up_to_its_last_whole_record(open_log, store, elsewhere) -> None:
    log = open_log()
    log.append([prediction(1), prediction(2)])
    (segment,) = log.folder.glob("*.seg")
    whole = segment.read_bytes()
    with segment.open("ab") as file:
        file.write(whole[: len(whole) // 2 - 9])  # the next record is being written
    shipper_of(log, store).look(everything=True)
    assert store.get(keys(store)[0]) == whole
    counts = ShippedLog(elsewhere).counts()
    assert (counts.predictions, counts.torn) == (2, 0)


def test_an_open_segment_grows_under_its_key(open_log, store, elsewhere) -> None:
    log, shipped = open_log(), ShippedLog(elsewhere)
    shipper = shipper_of(log, store)
    for n in range(3):
        log.append([prediction(n)])
        shipper.look()
        assert shipped.counts().predictions == n + 1
    assert len(keys(store)) == 1
    assert len(list((elsewhere.home / "predictions-shipped" / "tiny").glob("*.seg"))) == 1


def test_a_large_open_segment_is_not_sent_anew_for_every_record(open_log, store) -> None:
    log, now = open_log(), [0.0]
    log.append([prediction(n) for n in range(40_000)])
    shipper = shipper_of(log, store)
    shipper.clock = lambda: now[0]
    shipper.look()
    log.append([prediction(1)])
    shipper.look()
    assert shipper.puts == 1
    assert shipper.backlog().bytes > 0
    now[0] += 61
    shipper.look()
    assert shipper.puts == 2
    assert shipper.backlog().empty


def test_the_torn_tail_of_a_dead_writer_is_shipped_as_torn(open_log, store, elsewhere) -> None:
    log = open_log()
    log.append([prediction(n) for n in range(3)])
    log.close()
    (segment,) = log.folder.glob("*.seg")
    segment.write_bytes(segment.read_bytes()[:-7])
    shipper_of(log, store).look()
    counts = ShippedLog(elsewhere).counts()
    assert (counts.predictions, counts.torn) == (2, 1)


def test_only_what_changed_is_brought(open_log, store, elsewhere, monkeypatch) -> None:
    log, shipped = open_log(), ShippedLog(elsewhere)
    log.append([prediction(1)])
    log.close()
    shipper = shipper_of(log, store)
    shipper.look()
    assert shipped.counts().predictions == 1
    asked = []
    get = type(store).get
    monkeypatch.setattr(type(store), "get", lambda s, key: asked.append(key) or get(s, key))
    log.append([prediction(2)])
    log.close()
    shipper.look()
    assert shipped.counts().predictions == 2
    assert asked == keys(store)[1:]


def test_what_the_bucket_no_longer_keeps_is_forgotten(open_log, store, elsewhere, tmp_path) -> None:
    log = open_log()
    log.append([prediction(1)])
    log.close()
    shipper_of(log, store).look()
    shipped = ShippedLog(elsewhere)
    assert shipped.counts().predictions == 1
    (tmp_path / "bucket" / keys(store)[0]).unlink()
    assert shipped.counts().predictions == 0


def test_labels_from_outside_are_stored_beside_those_of_pods(open_log, store, elsewhere) -> None:
    log = open_log()
    log.append([prediction(1)])
    log.label([TrueLabel(MADE.format(1), 0, DAY)])
    shipper_of(log, store).look()
    ShippedLog(elsewhere).label([TrueLabel(MADE.format(1), 1, DAY + timedelta(hours=1))])
    assert ShippedLog(elsewhere).labels()[MADE.format(1)].value == 1
    with pytest.raises(Unsupported):
        ShippedLog(elsewhere).append([prediction(2)])


def test_shipped_segments_make_room_and_unshipped_ones_stay(open_log, tmp_path, store) -> None:
    log = open_log(segment_mb=1)
    while len(list(log.folder.glob("*.seg"))) < 4:
        log.append([prediction(n) for n in range(2000)])
    before = sorted(log.folder.glob("*.seg"))
    shipper = shipper_of(log, Away(), keep=2_000_000)
    with pytest.raises(TemporaryError):
        shipper.look()
    assert sorted(log.folder.glob("*.seg")) == before
    shipper.store = store
    shipper.look()
    left = sorted(log.folder.glob("*.seg"))
    assert 0 < shipper.removed == len(before) - len(left)
    assert left[-1] == before[-1]
    assert sum(f.stat().st_size for f in left) <= 2_000_000
    assert len(keys(store)) == len(before)


class Away:
    """A store that does not answer."""

    def list(self, prefix: str) -> list[object]:
        return []

    def put(self, key: str, data: bytes) -> None:
        raise TemporaryError("away")


def test_a_thousand_segments_of_many_pods_are_read_in_order(place, tmp_path, elsewhere) -> None:
    folder = elsewhere.home / "predictions-shipped" / "tiny"
    folder.mkdir(parents=True)
    log = SegmentLog(place)
    for n in range(1000):
        log.append([prediction(n)])
        log.close()
    for file in log.folder.glob("*.seg"):
        time_part, _, rest = file.name.partition("-")
        pod = f"pod-{int(time_part) % 97}"
        shutil.copy(file, folder / f"{time_part}-{pod}-{rest.partition('-')[2]}")
    found = [p.key["flight"] for p in reader.predictions(folder, LogWindow())]
    assert found == list(range(1000))


@pytest.mark.parametrize("url", ["nowhere", "ftp://a/b", "file://host/x", "s3://"])
def test_an_address_that_is_none_is_told(url: str, tmp_path: Path) -> None:
    assert main(["--log", str(tmp_path), "--to", url, "--metrics-port", "0"]) == 3


def test_keys_stay_inside_the_folder(store) -> None:
    with pytest.raises(UserError, match="leaves its folder"):
        store.put("../other", b"")
    with pytest.raises(NotFound):
        store.get("nothing")


WRITER = """
import os, signal, sys, time
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.place import Place
from mizzen.ports.prediction_log import Prediction
from datetime import UTC, datetime
log, n, told = SegmentLog(Place.from_environment(os.environ)), 0, []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
while not told:
    now = datetime.now(UTC)
    log.append([Prediction(f"{n}-{i}", now, "m", 4, {}, {"x": 1.5}, 0.5, now) for i in range(10)])
    n += 10
    print(n, flush=True)
    time.sleep(0.001)
log.close()
"""


@pytest.fixture
def sidecar(place: Place, bucket: str, free_port) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, to: str = bucket, every: str = "0.2") -> subprocess.Popen[str]:
        log = place.home / "predictions" / "tiny"
        command = [
            sys.executable,
            "-m",
            "mizzen_serving.log_shipper",
            "--log",
            str(log),
            "--to",
            to,
        ]
        command += ["--every", every, "--metrics-port", "0", *options]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def writer_in(place: Place) -> subprocess.Popen[str]:
    environment = {**os.environ, **place.to_environment()}
    command = [sys.executable, "-c", WRITER]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_told_to_go_it_waits_for_the_service_and_ships_all(
    place, sidecar, elsewhere, free_port
) -> None:
    port = free_port()
    writer, process = writer_in(place), sidecar("--metrics-port", str(port))
    wait_for_figure(port, "mizzen_ship_objects_total")
    process.send_signal(signal.SIGTERM)  # both are told at once, as older clusters do
    time.sleep(0.5)
    assert process.poll() is None
    writer.send_signal(signal.SIGTERM)
    answered = int(writer.communicate(timeout=60)[0].split()[-1])
    assert process.wait(60) == 0
    assert ShippedLog(elsewhere).counts().predictions == answered


def test_a_service_that_is_killed_leaves_nothing_unshipped(
    place, sidecar, elsewhere, free_port
) -> None:
    port = free_port()
    writer, process = writer_in(place), sidecar("--metrics-port", str(port))
    wait_for_figure(port, "mizzen_ship_objects_total")
    writer.kill()
    answered = int(writer.communicate()[0].split("\n")[-2])
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert ShippedLog(elsewhere).counts().predictions >= answered


def test_a_store_that_is_away_is_told_counted_and_tried_until_it_is_back(
    place, open_log, sidecar, bucket, free_port, tmp_path, elsewhere
) -> None:
    log = open_log()
    log.append([prediction(1)])
    log.close()
    (tmp_path / "bucket").write_text("no folder")
    port = free_port()
    process = sidecar("--metrics-port", str(port))
    wait_for_figure(port, 'mizzen_ship_failures_total{reason="away"}')
    assert figure(port, "mizzen_ship_unshipped_bytes") > 0
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None
    (tmp_path / "bucket").unlink()
    assert process.wait(60) == 0
    told = process.stderr.read()
    assert "cannot be used" in told
    assert "bytes wait here" in told
    assert ShippedLog(elsewhere).counts().predictions == 1


def test_told_twice_it_leaves_and_says_what_it_left(open_log, sidecar, tmp_path, free_port) -> None:
    log = open_log()
    log.append([prediction(1)])
    log.close()
    (tmp_path / "bucket").write_text("no folder")
    port = free_port()
    process = sidecar("--metrics-port", str(port))
    wait_for_figure(port, 'mizzen_ship_failures_total{reason="away"}')
    process.send_signal(signal.SIGTERM)
    time.sleep(2.0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 7
    assert "of 1 segments unshipped" in process.stderr.read()


def test_once_ships_what_is_there(open_log, bucket, store) -> None:
    log = open_log()
    log.append([prediction(1)])
    log.close()
    assert main(["--log", str(log.folder), "--to", bucket, "--once"]) == 0
    assert [key.split("/")[:2] for key in keys(store)] == [["tiny", "1"]]


def figure(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def wait_for_figure(port: int, name: str) -> None:
    for _ in range(600):
        try:
            if figure(port, name) > 0:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(name)
