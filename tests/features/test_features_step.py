"""The features step: a project's functions, what they may return, and what is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters import bundle
from mizzen.adapters.tables import read_table, write_table
from mizzen.core.place import Place
from mizzen.errors import InvalidProject
from mizzen_components import features as step

from .conftest import times

GOOD = """
import pandas as pd

def traffic(tables):
    return tables["news"]
"""
DATA = {"source": {"path": "x.csv"}, "rows": "calls", "key": ["call"], "event_time": "at"}
VIEW = {
    "name": "traffic",
    "entity": ["port"],
    "source": "views:traffic",
    "ttl": "3h",
    "columns": [{"name": "ships"}, {"name": "mood", "kind": "category"}],
}


class Step:
    """Runs the step on a project whose only file is `views.py`."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.folder = place, folder
        self.frame, self.sources = folder / "frame.parquet", folder / "sources"

    def run(self, code: str, *views: dict[str, Any]) -> step.FeaturesFigures:
        project = self.folder / "project"
        project.mkdir(exist_ok=True)
        (project / "views.py").write_text(code)
        return step.run(
            tables=self.folder / "tables",
            code=bundle.pack(project, bundle.store_of(self.place)),
            data=DATA,
            features={"columns": [{"name": "size"}], "views": list(views)},
            label={"column": "late"},
            frame=self.frame,
            sources=self.sources,
        )


@pytest.fixture
def features(
    place: Place, tmp_path: Path, traffic: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> Step:
    for name, value in place.to_environment().items():
        monkeypatch.setenv(name, value)
    calls = pd.DataFrame(
        {
            "call": ["b", "a"],
            "port": ["bremen", "hamburg"],
            "at": times(2, 1),
            "size": [1.0, 2.0],
            "late": pd.array([None, 1], dtype="Int64"),
        }
    )
    write_table(calls, tmp_path / "tables" / "calls.parquet")
    write_table(traffic, tmp_path / "tables" / "news.parquet")
    return Step(place, tmp_path)


def test_the_frame_has_all_columns_of_the_rows_and_those_of_the_views(features: Step) -> None:
    figures = features.run(GOOD, VIEW)
    frame = read_table(features.frame)
    assert list(frame) == ["call", "port", "at", "size", "late", "ships", "mood"]
    assert frame["call"].tolist() == ["b", "a"]
    assert frame["ships"].tolist() == [20, 10]
    assert (figures.rows, figures.views, len(figures.version)) == (2, 1, 16)
    assert [file.name for file in features.sources.iterdir()] == ["traffic.parquet"]


def test_without_views_the_rows_pass_and_feast_is_not_imported(features: Step) -> None:
    assert features.run(GOOD) == (2, 0, "")
    assert len(read_table(features.frame)) == 2
    script = "import sys, mizzen_components.features; assert 'feast' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], env=dict(os.environ), check=True)


def test_one_function_cannot_change_what_the_next_one_sees(features: Step) -> None:
    code = (
        GOOD + "\ndef spoil(tables):\n    tables['news']['ships'] = 0.0\n    return traffic(tables)"
    )
    spoil = {**VIEW, "name": "spoiled", "source": "views:spoil", "columns": [{"name": "ships"}]}
    other = {**VIEW, "columns": [{"name": "mood", "kind": "category"}]}
    features.run(code, spoil, other)
    kept = read_table(features.folder / "tables" / "news.parquet")
    assert kept["ships"].max() == 20
    assert read_table(features.frame)["mood"].tolist() == [None, "calm"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("None", "returned no DataFrame"),
        ("tables['nothing']", "raised KeyError"),
        ("tables['news'].drop(columns='port')", "without port"),
        ("tables['news'].drop(columns='event_timestamp')", "without event_timestamp"),
        ("tables['news'].drop(columns=['ships', 'mood'])", "without ships, mood"),
        (
            "tables['news'].astype({'event_timestamp': 'datetime64[us, UTC]'})"
            ".assign(event_timestamp=lambda t: t.event_timestamp.dt.tz_localize(None))",
            "'event_timestamp' without zone",
        ),
        ("tables['news'].assign(event_timestamp='2013')", "'event_timestamp' without zone"),
        (
            "tables['news'].assign(event_timestamp=lambda t: t.event_timestamp.mask(t.index > 1))",
            "2 rows without 'event_timestamp'",
        ),
        ("tables['news'].assign(port=None)", "4 rows whose entity 'port' is null"),
        ("tables['news'].assign(ships='many')", "'ships', a number, with other values"),
        ("tables['news'].assign(ships=float('inf'))", "4 infinite values in 'ships'"),
    ],
)
def test_a_wrong_table_is_told_with_the_function_and_the_columns(
    features: Step, body: str, told: str
) -> None:
    with pytest.raises(InvalidProject, match="views:traffic of the view 'traffic'") as error:
        features.run(f"def traffic(tables):\n    return {body}\n", VIEW)
    assert told in str(error.value)
    assert not features.frame.exists()


def test_a_feature_named_like_a_column_of_the_rows_is_refused(features: Step) -> None:
    with pytest.raises(InvalidProject, match="named like features of views: late"):
        features.run(GOOD, {**VIEW, "columns": [{"name": "late"}]})
