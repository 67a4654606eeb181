"""What the service reads: the newest values, never older ones, null when too old."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.feast.source import FeastSource
from mizzen.core.place import Place
from mizzen.errors import InvalidData, NotFound

from .conftest import hour, times, view

Open = Callable[[Place], FeastSource]


def value(port: str, at: float, ships: float, mood: str | None = None) -> pd.DataFrame:
    columns = {"port": [port], "event_timestamp": times(at), "ships": [ships], "mood": [mood]}
    return pd.DataFrame(columns)


def ships(source: FeastSource, port: object, at: float) -> float | None:
    found: float | None = source.online([view()], {"port": [port]}, [hour(at)])["ships"][0]
    return found


@pytest.fixture
def filled(source: FeastSource, traffic: pd.DataFrame) -> FeastSource:
    source.apply([view()], {"traffic": traffic})
    source.materialize([view()], hour(2))
    return source


def test_materializing_loads_what_was_known_at_that_instant(filled: FeastSource) -> None:
    answer = filled.online([view()], {"port": ["bremen", "hamburg"]}, [hour(2), hour(2)])
    assert answer == {"ships": [20, 11], "mood": [None, "busy"]}


def test_a_pushed_value_is_served_at_once_also_to_others(
    filled: FeastSource, place: Place, open_source: Open
) -> None:
    other = open_source(place)
    assert ships(other, "hamburg", 3) == 11
    filled.push(view(), value("hamburg", 3, 12))
    assert ships(filled, "hamburg", 3) == ships(other, "hamburg", 3) == 12


def test_an_older_event_never_replaces_a_newer_one(filled: FeastSource) -> None:
    filled.push(view(), value("hamburg", 1.5, 99))
    assert ships(filled, "hamburg", 2) == 11
    filled.materialize([view()], hour(1))
    assert ships(filled, "hamburg", 2) == 11
    filled.push(view(), pd.concat([value("hamburg", 4, 14), value("hamburg", 3, 13)]))
    assert ships(filled, "hamburg", 4) == 14


def test_a_correction_of_the_same_instant_replaces(filled: FeastSource) -> None:
    filled.push(view(), value("hamburg", 2, 15))
    assert ships(filled, "hamburg", 2) == 15


def test_rewinding_brings_an_earlier_state_back(filled: FeastSource) -> None:
    filled.materialize([view()], hour(1), rewind=True)
    assert ships(filled, "hamburg", 1) == 10


def test_the_ttl_counts_from_the_time_of_the_request(filled: FeastSource) -> None:
    at = [hour(5), hour(5) + timedelta(microseconds=1)]
    assert filled.online([view()], {"port": ["bremen"] * 2}, at)["ships"] == [20, None]


def test_a_value_from_after_the_request_is_unknown_to_it(filled: FeastSource) -> None:
    filled.push(view(), value("hamburg", 3, 12))
    assert ships(filled, "hamburg", 2.9) is None


def test_unknown_and_null_keys_are_null_and_an_empty_request_is_empty(
    filled: FeastSource,
) -> None:
    asked = {"port": ["nowhere", None, float("nan"), ""]}
    assert filled.online([view()], asked, [hour(2)] * 4)["ships"] == [None] * 4
    assert filled.online([view()], {"port": []}, []) == {"ships": [], "mood": []}


def test_a_request_without_zone_is_refused(filled: FeastSource) -> None:
    with pytest.raises(InvalidData, match="without a zone"):
        filled.online([view()], {"port": ["bremen"]}, [hour(2).replace(tzinfo=None)])


def test_views_that_were_never_applied_are_told(source: FeastSource) -> None:
    with pytest.raises(NotFound, match="run the training pipeline"):
        source.online([view()], {"port": ["bremen"]}, [hour(2)])
    with pytest.raises(NotFound, match="no view 'traffic' like this one"):
        source.materialize([view()], hour(2))


def test_a_thousand_replayed_requests_see_what_training_saw(
    source: FeastSource, place: Place, open_source: Open
) -> None:
    random = np.random.default_rng(5)
    ports = np.array(["a", "b", "c", "d"])
    news = np.sort(random.integers(0, 200 * 3600 * 10**6, 400))
    facts = pd.DataFrame(
        {
            "port": random.choice(ports, 400),
            "event_timestamp": pd.to_datetime(news, unit="us", utc=True),
            "ships": np.where(random.random(400) < 0.1, np.nan, random.normal(size=400)),
            "mood": random.choice(np.array(["x", "y", None], dtype=object), 400),
        }
    )
    asked = pd.DataFrame({"port": random.choice([*ports, "e"], 1000)})
    moments = np.sort(random.integers(0, 200 * 3600 * 10**6, 1000))
    asked["at"] = pd.to_datetime(moments, unit="us", utc=True)
    source.apply([view()], {"traffic": facts})
    offline = source.training_frame(asked, "at", [view()])
    server, pushed = open_source(place), 0
    for row in offline.itertuples():
        due = int(np.searchsorted(news, moments[row.Index], side="right"))
        if due > pushed:
            source.push(view(), facts.iloc[pushed:due])
            pushed = due
        online = server.online([view()], {"port": [row.port]}, [row.at.to_pydatetime()])
        assert online["mood"] == [row.mood]
        assert online["ships"] == ([None] if np.isnan(row.ships) else [row.ships])
    assert offline["ships"].notna().sum() > 200


PUSH_FOR_EVER = """
import os, sys
import pandas as pd
from mizzen.adapters.backends import load_backend
from mizzen.core.place import Place
from mizzen.core.views import VersionedView

place = Place.from_environment(os.environ)
source = load_backend("feature_source", place.profile.feature_store.kind)(place)
view = VersionedView.model_validate_json(sys.argv[1])
at, step = pd.to_datetime([sys.argv[2]], utc=True), 0
while True:
    step += 1
    values = {"port": ["hamburg"], "event_timestamp": at, "ships": [step], "mood": [str(step)]}
    source.push(view, pd.DataFrame(values))
"""


def test_reading_while_another_process_pushes_gives_whole_rows(
    filled: FeastSource, place: Place
) -> None:
    arguments = [view().model_dump_json(), hour(2).isoformat()]
    writer = subprocess.Popen(
        [sys.executable, "-c", PUSH_FOR_EVER, *arguments],
        env={**os.environ, **place.to_environment()},
    )
    try:
        seen: set[float] = set()
        stop = time.monotonic() + 60
        while len(seen) < 30 and time.monotonic() < stop:
            assert writer.poll() is None
            answer = filled.online([view()], {"port": ["hamburg"]}, [hour(2)])
            number, mood = answer["ships"][0], answer["mood"][0]
            assert mood == "busy" or str(int(number)) == mood
            seen.add(number)
        assert len(seen) == 30
    finally:
        writer.kill()
        writer.wait()


def test_the_machines_own_zone_changes_nothing(place: Place) -> None:
    # Feast converts event times through the local clock; 2013-03-10 02:30 does not exist there
    script = (
        "import os, sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "import pandas as pd\n"
        "from mizzen.adapters.backends import load_backend\n"
        "from mizzen.core.place import Place\n"
        "from mizzen.core.views import VersionedView\n"
        "place = Place.from_environment(os.environ)\n"
        "view = VersionedView(name='v', entity=('k',), source='m:f', ttl='1h', version='1',"
        " columns=({'name': 'x'},))\n"
        "at = datetime(2013, 3, 10, 2, 30, tzinfo=UTC)\n"
        "facts = pd.DataFrame({'k': ['a'], 'event_timestamp': [pd.Timestamp(at)], 'x': [1.5]})\n"
        "source = load_backend('feature_source', place.profile.feature_store.kind)(place)\n"
        "source.apply([view], {'v': facts})\n"
        "source.push(view, facts)\n"
        "assert source.online([view], {'k': ['a']}, [at])['x'] == [1.5]\n"
    )
    environment = {**os.environ, **place.to_environment(), "TZ": "America/New_York"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
