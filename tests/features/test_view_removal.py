"""A version of a view that nobody needs goes whole, and leaves the other versions as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from mizzen.adapters.feast.source import FeastSource
from mizzen.adapters.feast.sources import Sources
from mizzen.core.place import Place
from mizzen.core.views import VersionedView
from mizzen.errors import NotFound

from .conftest import hour, times, view

Open = Callable[[Place], FeastSource]
OLD, NEW = view(code="before"), view(code="after")
ASKED = {"port": ["hamburg"]}, [hour(2)]


@pytest.fixture
def both(source: FeastSource, traffic: pd.DataFrame) -> FeastSource:
    """Two versions of one view, the newer one with other values."""
    for one, values in ((OLD, traffic), (NEW, traffic.assign(ships=7.0))):
        source.apply([one], {"traffic": values})
        source.materialize([one], hour(2))
    return source


def versions(source: FeastSource) -> list[str]:
    return [one.version for one in source.declared()]


def histories(folder: Path, one: VersionedView) -> list[Path]:
    return [file for file in folder.rglob("*.parquet") if one.version in str(file)]


def test_versions_of_a_view_are_listed_with_their_last_instant(
    both: FeastSource, place: Place, open_source: Open
) -> None:
    found = open_source(place).declared()
    assert [(one.view, one.version) for one in found] == [
        ("traffic", OLD.version),
        ("traffic", NEW.version),
    ]
    assert {one.ends for one in found} == {hour(6)}
    assert found[0].at <= found[1].at <= datetime.now(UTC)
    assert both.holds("traffic", OLD.version, found[0].history)


def test_a_removed_version_leaves_nothing_behind_and_the_other_one_answers_as_before(
    both: FeastSource, place: Place, tmp_path: Path, open_source: Open
) -> None:
    (old, _) = both.declared()
    assert histories(tmp_path, OLD)
    both.remove([old])
    assert versions(both) == [NEW.version]
    assert not both.holds("traffic", old.version, old.history)
    assert not histories(tmp_path, OLD)
    assert histories(tmp_path, NEW)
    other = open_source(place)
    assert other.online([NEW], *ASKED)["ships"] == [7.0]
    rows = pd.DataFrame({"port": ["hamburg"], "at": times(2)})
    assert other.training_frame(rows, "at", [NEW])["ships"].tolist() == [7.0]
    with pytest.raises(NotFound, match="run the training pipeline once"):
        other.materialize([OLD], hour(2))
    with pytest.raises(NotFound, match="holds no values"):
        other.online([OLD], *ASKED)


def test_a_removed_version_can_be_declared_again(
    both: FeastSource, traffic: pd.DataFrame, place: Place, open_source: Open
) -> None:
    both.remove(both.declared()[:1])
    again = open_source(place)
    again.apply([OLD], {"traffic": traffic})
    assert again.materialize([OLD], hour(2)) == 2
    assert again.online([OLD], *ASKED)["ships"] == [11]


def test_a_removal_that_was_killed_is_finished_by_the_next_one(
    both: FeastSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, traffic: pd.DataFrame
) -> None:
    (old, _) = both.declared()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Sources, "remove", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        both.remove([old])
    assert not both.holds("traffic", old.version, old.history)
    (left, kept) = both.declared()
    assert (left.version, left.history, kept.version) == (OLD.version, "", NEW.version)
    both.remove([left])
    assert versions(both) == [NEW.version]
    assert not histories(tmp_path, OLD)


def test_a_version_that_was_declared_meanwhile_is_not_removed(
    both: FeastSource, traffic: pd.DataFrame
) -> None:
    (old, _) = both.declared()
    both.apply([OLD], {"traffic": traffic})
    both.remove([old])
    assert sorted(versions(both)) == sorted([OLD.version, NEW.version])
    assert both.online([OLD], *ASKED)["ships"] == [11]
