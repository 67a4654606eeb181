"""A disk without room: said by /readyz before and while predictions fail, and over when it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.place import Place

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}


@pytest.fixture
def place(tmp_path: Path, place_in) -> Iterator[Place]:
    """A place on a disk of one megabyte."""
    home = tmp_path / "small"
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield place_in(home)
    subprocess.run(["umount", "--lazy", str(home)], check=True)


def fill(place: Place) -> Path:
    ballast = place.home / "ballast"
    with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


@pytest.fixture(autouse=True)
def each_time(monkeypatch) -> None:
    """The disk is asked at each question, not once a second."""
    ask = SegmentLog._try_room

    def now(self):
        self._tried = 0.0
        return ask(self)

    monkeypatch.setattr(SegmentLog, "_try_room", now)


def test_a_full_disk_makes_the_service_unready_until_there_is_room_again(start, place) -> None:
    ask = start()
    assert ask("GET", "/readyz").status_code == 200
    ballast = fill(place)
    told = ask("GET", "/readyz")
    assert (told.status_code, told.json()["retryable"]) == (503, True)
    assert "No space" in told.json()["given"]
    assert "free space" in told.json()["next"]
    # a page has room for some more records; then each prediction is refused
    answers = [ask("POST", "/predict", json=[ROW] * 100).status_code for _ in range(5)]
    assert answers[-1] == 503
    assert ask("GET", "/readyz").status_code == 503
    assert ask("GET", "/healthz").status_code == 200
    ballast.unlink()
    assert ask("POST", "/predict", json=ROW).status_code == 200
    assert ask("GET", "/readyz").status_code == 200
    assert not list((place.home / "predictions").rglob(".room*"))


def test_a_service_without_requests_becomes_ready_again_too(start, place) -> None:
    ask = start()
    ballast = fill(place)
    while ask("POST", "/predict", json=[ROW] * 100).status_code == 200:
        pass
    ballast.unlink()
    while ask("GET", "/readyz").status_code == 503:  # the log reports its refusals first
        pass
