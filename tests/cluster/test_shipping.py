"""The prediction log and snapshots on a real S3 server: away, refusing, and coming back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scenario.s3 import BUCKET, S3Server

from mizzen.adapters import backends
from mizzen.adapters.dvc.versions import DvcVersions
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.adapters.segment_log.shipped import ShippedLog
from mizzen.core.place import Place
from mizzen.errors import MizzenError, NotFound, TemporaryError, UserError
from mizzen.ports.objects import ObjectStore
from mizzen.ports.prediction_log import Prediction, TrueLabel
from mizzen.spec.operation import PredictionLogSettings
from mizzen.spec.profile import Profile

URL = f"s3://{BUCKET}/predictions"
NOW = datetime(2013, 7, 1, tzinfo=UTC)


def place_in(home: Path, **sections: object) -> Place:
    document = {"apiVersion": "mizzen.dev/v1", "kind": "Profile", **sections}
    return Place("tiny", home, Profile.model_validate(document))


@pytest.fixture(autouse=True)
def reached(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def store() -> ObjectStore:
    return backends.open_objects(URL)


def predictions(count: int) -> list[Prediction]:
    ids = [f"{n:08x}-0000-7000-8000-000000000000" for n in range(count)]
    return [Prediction(i, NOW, "tiny", 1, {}, {"x": 1.5}, 0.5, datetime.now(UTC)) for i in ids]


def test_objects_are_stored_listed_and_read(store: ObjectStore) -> None:
    for n in range(3):
        store.put(f"a/{n}", b"x" * n)
    store.put("b/0", b"")
    assert [(o.key, o.size) for o in store.list("a/")] == [("a/0", 0), ("a/1", 1), ("a/2", 2)]
    for _ in range(2):  # what is gone is no error
        store.delete("a/1")
    assert [o.key for o in store.list("a/")] == ["a/0", "a/2"]
    assert store.get("a/2") == b"xx"
    with pytest.raises(NotFound, match="no such object"):
        store.get("a/9")


def test_more_objects_than_one_answer_lists(store: ObjectStore, s3: S3Server) -> None:
    folder = s3.folder / BUCKET / "predictions" / "many"
    folder.mkdir(parents=True)
    for n in range(1_100):
        (folder / f"{n:04d}").write_bytes(b"x")
    assert len(list(store.list("many/"))) == 1_100


def test_wrong_credentials_are_told_and_new_ones_are_taken(
    store: ObjectStore, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(UserError, match="refuses these credentials") as refused:
        store.put("a", b"x")
    assert "AWS_ACCESS_KEY_ID=mizzen" in str(refused.value)
    assert "wrong" not in str(refused.value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    store.put("a", b"x")


def test_no_credentials_an_unknown_key_and_no_bucket_are_told(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="no bucket elsewhere"):
        backends.open_objects("s3://elsewhere/x").put("a", b"x")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(UserError, match="refuses these credentials"):
        list(backends.open_objects(URL).list(""))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UserError, match="no credentials for S3"):
        backends.open_objects(URL).get("a")


def test_a_server_that_is_away_is_worth_another_try(store: ObjectStore, s3: S3Server) -> None:
    s3.stop()
    with pytest.raises(TemporaryError, match="does not answer"):
        store.put("a", b"x")
    s3.start()
    store.put("a", b"x")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SegmentLog]:
    """The log of a service in a pod."""
    settings = PredictionLogSettings(max_mb=2, segment_mb=1)
    log = SegmentLog(place_in(tmp_path / "pod"), settings)
    yield log
    log.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Place:
    return place_in(tmp_path / "elsewhere", prediction_log={"url": URL})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sidecar:
    def __init__(self, log: SegmentLog, port: int, *options: str) -> None:
        self.port = port
        command = [sys.executable, "-m", "mizzen_serving.log_shipper", "--log", str(log.folder)]
        command += ["--to", URL, "--version", "1", "--every", "0.5"]
        command += ["--metrics-port", str(self.port), *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def figure(self, name: str) -> float:
        url = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        found = (float(li.rpartition(" ")[2]) for li in lines if li.startswith(f"{name} "))
        return next(found)

    def wait_for(self, name: str, above: float = 0.0) -> None:
        for _ in range(600):
            try:
                if self.figure(name) > above:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(name)


@pytest.fixture
def sidecar(service: SegmentLog, s3: S3Server) -> Iterator[Callable[..., Sidecar]]:
    started: list[Sidecar] = []
    # taken while the server runs, so that its port is not among them
    ports = [free_port() for _ in range(2)]

    def start(*options: str) -> Sidecar:
        started.append(Sidecar(service, ports.pop(), *options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def test_a_log_that_is_full_when_the_pod_is_told_to_go_is_shipped_whole(
    service: SegmentLog, sidecar: Callable[..., Sidecar], elsewhere: Place
) -> None:
    answered = 0
    while not service.refused:
        try:
            service.append(predictions(100))
            answered += 100
        except TemporaryError:
            break
    one = sidecar()
    one.wait_for("mizzen_ship_shipped_bytes_total")
    process = one.process
    process.send_signal(signal.SIGTERM)
    time.sleep(1.0)
    assert process.poll() is None  # the service still drains
    service.close()
    assert process.wait(60) == 0
    counts = ShippedLog(elsewhere).counts()
    assert counts.predictions == answered
    assert (counts.dropped, counts.torn, counts.corrupt) == (100, 0, 0)


def test_with_refused_credentials_nothing_is_lost_and_everybody_is_told(
    service: SegmentLog,
    sidecar: Callable[..., Sidecar],
    elsewhere: Place,
    s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service.append(predictions(10))
    service.close()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    one = sidecar("--restart-after", "3")
    one.wait_for('mizzen_ship_failures_total{reason="refused"}')
    assert one.figure("mizzen_ship_unshipped_bytes") > 0
    assert one.process.wait(60) == 3  # so that the pod starts it again, with its Secret as it is
    told = one.process.stderr.read() if one.process.stderr else ""
    assert "S3 refuses these credentials" in told
    assert "unshipped" in told
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    again = sidecar()
    again.wait_for("mizzen_ship_shipped_bytes_total")
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(60) == 0
    assert ShippedLog(elsewhere).counts().predictions == 10


def test_credentials_that_rotate_in_a_file_are_picked_up(
    service: SegmentLog,
    sidecar: Callable[..., Sidecar],
    elsewhere: Place,
    s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    secret = tmp_path / "credentials"
    text = "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n"
    secret.write_text(text.format(s3.key, "of yesterday"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(secret))
    service.append(predictions(10))
    one = sidecar()
    one.wait_for('mizzen_ship_failures_total{reason="refused"}')
    secret.write_text(text.format(s3.key, s3.secret))
    one.wait_for("mizzen_ship_shipped_bytes_total")
    assert ShippedLog(elsewhere).counts().predictions == 10


def test_a_server_that_comes_back_gets_what_waited(
    service: SegmentLog, sidecar: Callable[..., Sidecar], elsewhere: Place, s3: S3Server
) -> None:
    s3.stop()
    service.append(predictions(10))
    service.close()
    one = sidecar()
    one.wait_for('mizzen_ship_failures_total{reason="away"}')
    one.process.send_signal(signal.SIGTERM)
    time.sleep(1.0)
    assert one.process.poll() is None
    s3.start()
    assert one.process.wait(60) == 0
    assert ShippedLog(elsewhere).counts().predictions == 10


def test_a_restarted_sidecar_sends_nothing_that_is_there(
    service: SegmentLog, sidecar: Callable[..., Sidecar]
) -> None:
    service.append(predictions(10))
    service.close()
    for sent in (1, 0):
        one = sidecar()
        one.wait_for("mizzen_ship_last_success_timestamp_seconds")
        assert one.figure("mizzen_ship_objects_total") == sent
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(60) == 0


def test_labels_join_whatever_pod_was_told(service: SegmentLog, elsewhere: Place) -> None:
    service.append(predictions(2))
    first = predictions(1)[0].id
    ShippedLog(elsewhere).label([TrueLabel(first, 1, NOW)])
    assert ShippedLog(elsewhere).labels()[first].value == 1


def test_a_snapshot_is_fetched_bit_equal_on_a_clean_machine(tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    (rows / "deep").mkdir(parents=True)
    (rows / "a.parquet").write_bytes(os.urandom(6_000_000))
    (rows / "deep" / "b.csv").write_text("x\n1\n")
    (rows / "empty").write_bytes(b"")
    url = f"s3://{BUCKET}/data"
    version = DvcVersions(place_in(tmp_path / "one", data_store={"url": url})).snapshot(rows)
    other = DvcVersions(place_in(tmp_path / "two", data_store={"url": url}))
    found = other.fetch(version, tmp_path / "fetched")
    files = sorted(path.relative_to(rows) for path in rows.rglob("*") if path.is_file())
    assert sorted(p.relative_to(found) for p in found.rglob("*") if p.is_file()) == files
    assert all((found / name).read_bytes() == (rows / name).read_bytes() for name in files)
    with pytest.raises(NotFound):
        other.fetch("0" * 32, tmp_path / "fetched")


def test_snapshots_say_which_credentials_are_wrong_and_whether_to_try_again(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    (rows / "a.csv").write_text("x\n1\n")

    def refusal(home: str, url: str = f"s3://{BUCKET}/data") -> MizzenError:
        versions = DvcVersions(place_in(tmp_path / home, data_store={"url": url}))
        with pytest.raises(MizzenError) as raised:
            versions.snapshot(rows)
        return raised.value

    absent = refusal("one", "s3://elsewhere/data")
    assert isinstance(absent, NotFound)
    assert "elsewhere" in str(absent)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    refused = refusal("two")
    assert isinstance(refused, UserError)
    assert "AWS_ACCESS_KEY_ID" in str(refused)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    s3.stop()
    assert isinstance(refusal("three"), TemporaryError)
