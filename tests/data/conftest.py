"""Places, tables and projects that the data steps' tests start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mizzen.core.place import Place
from mizzen.spec.profile import Profile

START = datetime(2024, 1, 1, tzinfo=UTC)


def profile(**fields: Any) -> Profile:
    return Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile", **fields})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A home whose path has a space, as homes of users do."""
    return Place("trips", tmp_path / "my project" / ".mizzen", profile())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "my project"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def in_step(place: Place, project: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The environment that a runner gives to a step."""
    for name, value in place.to_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MIZZEN_PROJECT_DIR", str(project))
    monkeypatch.setenv("MIZZEN_NOW", "2024-12-31T00:00:00+00:00")
    return place


@pytest.fixture
def trips() -> pd.DataFrame:
    """45 trips, one an hour; `late` is 0 or 1, known 40 minutes after the event time.

    `carrier` is null once, `distance` twice.
    """
    count = 45
    random = np.random.default_rng(3)
    times = pd.to_datetime([START + timedelta(hours=hour) for hour in range(count)], utc=True)
    frame = pd.DataFrame(
        {
            "trip": [f"t{number:03d}" for number in range(count)],
            "at": times,
            "distance": random.normal(10, 3, count).round(3),
            "carrier": random.choice(["AA", "UA", "DL"], count),
            "late": random.integers(0, 2, count),
            "known_at": times + pd.Timedelta(minutes=40),
        }
    )
    frame.loc[7, "carrier"] = None
    frame.loc[[5, 40], "distance"] = np.nan
    return frame
