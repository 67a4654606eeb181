"""Places and logs for the serving tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.place import Place
from mizzen.spec.operation import PredictionLogSettings
from mizzen.spec.profile import Profile

OpenLog = Callable[..., SegmentLog]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    return Place("tiny", tmp_path / "home", profile)


@pytest.fixture
def open_log(place: Place) -> Iterator[OpenLog]:
    """Opens logs of the place, with settings as keywords; all are closed at the end."""
    logs: list[SegmentLog] = []

    def open_one(**settings: object) -> SegmentLog:
        logs.append(SegmentLog(place, PredictionLogSettings.model_validate(settings)))
        return logs[-1]

    yield open_one
    for log in logs:
        log.close()
