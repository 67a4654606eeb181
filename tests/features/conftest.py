"""A place, and a project with one view, that the feature tests start from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters.backends import load_backend
from mizzen.adapters.feast.source import FeastSource
from mizzen.core.place import Place
from mizzen.core.views import VersionedView, versioned
from mizzen.spec.features import FeatureView
from mizzen.spec.profile import Profile


def hour(number: float) -> datetime:
    """Some day's hour; 0 is midnight."""
    return datetime.fromtimestamp(1_700_006_400 + number * 3600, UTC)


def times(*hours: float) -> pd.Series[Any]:
    return pd.Series(pd.to_datetime([hour(h) for h in hours], utc=True))


def view(code: str = "c0de", **fields: Any) -> VersionedView:
    given: dict[str, Any] = {
        "name": "traffic",
        "entity": ["port"],
        "source": "views:traffic",
        "ttl": "3h",
        "columns": [{"name": "ships"}, {"name": "mood", "kind": "category"}],
    }
    return versioned(FeatureView.model_validate(given | fields), code, {})


@pytest.fixture(params=["local", "postgres"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each promise is kept by every back end."""
    if request.param == "postgres":
        for name, value in request.getfixturevalue("empty_database").items():
            monkeypatch.setenv(name, value)
    return str(request.param)


@pytest.fixture
def place(tmp_path: Path, kind: str) -> Place:
    """A home whose path has a space, as homes of users do."""
    shared = {"sources": f"file://{tmp_path}/shared"} if kind == "postgres" else {}
    document = {
        "apiVersion": "mizzen.dev/v1",
        "kind": "Profile",
        "feature_store": {"kind": kind, **shared},
    }
    profile = Profile.model_validate(document)
    return Place("ports-of-call", tmp_path / "my project" / ".mizzen", profile)


@pytest.fixture
def open_source(kind: str) -> Callable[[Place], FeastSource]:
    """Opens the place's features, as another process would."""
    return load_backend("feature_source", kind)


@pytest.fixture
def source(place: Place, open_source: Callable[[Place], FeastSource]) -> FeastSource:
    return open_source(place)


@pytest.fixture
def traffic() -> pd.DataFrame:
    """Two ports; `hamburg` has news at 1, 2 and 6, `bremen` at 2."""
    return pd.DataFrame(
        {
            "port": ["hamburg", "bremen", "hamburg", "hamburg"],
            "event_timestamp": times(1, 2, 2, 6),
            "ships": [10, 20, 11, None],
            "mood": ["calm", None, "busy", "calm"],
        }
    )
