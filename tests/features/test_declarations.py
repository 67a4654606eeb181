"""Applying views: idempotent, by version, safe against other runs and crashes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pandas as pd
import pytest

from mizzen.adapters.feast.definitions import name_of
from mizzen.adapters.feast.source import FeastSource
from mizzen.core.place import Place
from mizzen.errors import InvalidData

from .conftest import hour, times, view

# what only a registry in a file can be asked
LOCAL = pytest.mark.parametrize("kind", ["local"], indirect=True)
Open = Callable[[Place], FeastSource]


def rows() -> pd.DataFrame:
    return pd.DataFrame({"port": ["hamburg"], "at": times(2)})


@LOCAL
def test_applying_again_changes_nothing(
    source: FeastSource, place: Place, traffic: pd.DataFrame
) -> None:
    first = source.apply([view()], {"traffic": traffic})
    registry = (place.home / "feast" / "registry.db").read_bytes()
    assert FeastSource(place).apply([view()], {"traffic": traffic}) == first
    assert (place.home / "feast" / "registry.db").read_bytes() == registry


def test_new_data_is_a_new_history_of_the_same_version(
    source: FeastSource, traffic: pd.DataFrame, open_source: Open, place: Place
) -> None:
    first = source.apply([view()], {"traffic": traffic})["traffic"]
    second = source.apply([view()], {"traffic": traffic.head(2)})["traffic"]
    assert first != second
    held = [open_source(place).holds("traffic", view().version, h) for h in (first, second)]
    assert held == [False, True]
    assert not source.holds("traffic", view(code="other").version, second)


def test_a_changed_view_leaves_the_served_one_alone(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    source.apply([view()], {"traffic": traffic})
    source.materialize([view()], hour(2))
    changed = view(ttl="9h", columns=[{"name": "ships"}])
    source.apply([changed], {"traffic": traffic.assign(ships=0)})
    source.materialize([changed], hour(2))
    asked = {"port": ["hamburg"]}, [hour(2)]
    assert source.online([view()], *asked)["ships"] == [11]
    assert source.online([changed], *asked)["ships"] == [0]


def test_a_run_joins_what_it_applied_whatever_another_applies(
    source: FeastSource, place: Place, traffic: pd.DataFrame, open_source: Open
) -> None:
    source.apply([view()], {"traffic": traffic})
    open_source(place).apply([view()], {"traffic": traffic.assign(ships=0)})
    assert source.training_frame(rows(), "at", [view()])["ships"].tolist() == [11]
    assert open_source(place).training_frame(rows(), "at", [view()])["ships"].tolist() == [0]


@LOCAL
def test_a_crash_while_applying_leaves_the_old_registry_whole(
    source: FeastSource, place: Place, traffic: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.apply([view()], {"traffic": traffic})

    def crash(descriptor: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", crash)
        with pytest.raises(OSError, match="no space"):
            FeastSource(place).apply([view(ttl="9h")], {"traffic": traffic})
    source.apply([view()], {"traffic": traffic})
    assert source.training_frame(rows(), "at", [view()])["ships"].tolist() == [11]


def test_old_histories_are_removed(
    source: FeastSource, place: Place, traffic: pd.DataFrame
) -> None:
    for count in range(8):
        source.apply([view()], {"traffic": traffic.assign(ships=count)})
    assert len(list((place.home / "feast" / "sources" / name_of(view())).iterdir())) == 5


@pytest.mark.parametrize("column", ["port", "event_timestamp", "ships"])
def test_a_history_without_a_column_is_refused(
    source: FeastSource, traffic: pd.DataFrame, column: str
) -> None:
    with pytest.raises(InvalidData, match=f"'traffic' lack columns: {column}"):
        source.apply([view()], {"traffic": traffic.drop(columns=column)})


def test_feast_itself_gives_the_frame_that_the_step_gets(
    source: FeastSource, place: Place, traffic: pd.DataFrame
) -> None:
    source.apply([view()], {"traffic": traffic})
    script = (
        "import os, sys; from mizzen.adapters.backends import load_backend\n"
        "from mizzen.core.place import Place; import pandas as pd\n"
        "place = Place.from_environment(os.environ)\n"
        "source = load_backend('feature_source', place.profile.feature_store.kind)(place)\n"
        "store = source._repository.open()\n"
        "asked = pd.DataFrame({'port': ['hamburg', 'x', 'hamburg'],"
        " 'event_timestamp': pd.to_datetime([sys.argv[1]] * 3, utc=True)})\n"
        "frame = store.get_historical_features(asked, [sys.argv[2] + ':ships']).to_df()\n"
        "assert frame['ships'].fillna(-1).tolist() == [11, -1, 11], frame\n"
    )
    arguments = [sys.executable, "-c", script, hour(2).isoformat(), name_of(view())]
    subprocess.run(arguments, env={**_environment(), **place.to_environment()}, check=True)


def test_importing_feast_brings_no_torch_and_breaks_none() -> None:
    script = (
        "import sys; from mizzen.adapters.feast.library import feast\n"
        "feast(); assert 'torch' not in sys.modules\n"
        "import typeguard; assert typeguard.typechecked.__module__.startswith('typeguard')\n"
        "import importlib.util as u\n"
        "assert u.find_spec('torch') is None or __import__('torch').tensor(1) == 1\n"
    )
    subprocess.run([sys.executable, "-c", script], env=_environment(), check=True)


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)
