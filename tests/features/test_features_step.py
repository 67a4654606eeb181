"""The features step: a project's functions, what they may return, and what is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters import bundle
from mizzen.adapters.tables import read_table, write_table
from mizzen.core.place import Place
from mizzen.errors import InvalidData, InvalidProject
from mizzen.spec.features import FeatureView
from mizzen_components import features as step
from mizzen_components.entity_match import check_entities
from mizzen_components.feature_records import holds
from mizzen_components.view_files import PROJECT_DIR

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

    def run(self, code: str, *views: dict[str, Any], declare: bool = True) -> step.FeaturesFigures:
        project = self.folder / "project"
        project.mkdir(exist_ok=True)
        (project / "views.py").write_text(code)
        return step.run(
            tables=self.folder / "tables",
            code=bundle.pack(project, bundle.store_of(self.place)),
            data=DATA,
            features={"columns": [{"name": "size"}], "views": list(views)},
            label={"column": "late"},
            declare=declare,
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
    written = sorted(file.name for file in features.sources.iterdir())
    assert written == ["traffic.parquet", "views.json"]


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


def test_data_that_comes_back_is_declared_again(features: Step, traffic: pd.DataFrame) -> None:
    tables = features.folder / "tables" / "news.parquet"
    features.run(GOOD, VIEW)
    outputs = {"sources": features.folder / "kept"}
    shutil.copytree(features.sources, outputs["sources"])
    assert holds(features.place, {}, outputs)
    write_table(traffic.assign(ships=7.0), tables)
    features.run(GOOD, VIEW)
    assert not holds(features.place, {}, outputs)
    write_table(traffic, tables)
    features.run(GOOD, VIEW)
    assert holds(features.place, {}, outputs)


def test_a_result_does_not_hold_once_a_file_that_a_view_read_has_changed(
    features: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROJECT_DIR, str(tmp_path))
    weight, here = tmp_path / "weight.txt", {PROJECT_DIR: str(tmp_path)}
    weight.write_text("100")
    code = """
def traffic(tables):
    return tables["news"].assign(ships=float(open("weight.txt").read()))
"""
    first = features.run(code, VIEW)
    assert read_table(features.frame)["ships"].tolist() == [100, 100]
    assert holds(features.place, here, {"sources": features.sources})
    weight.write_text("10")
    assert not holds(features.place, here, {"sources": features.sources})
    second = features.run(code, VIEW)
    assert read_table(features.frame)["ships"].tolist() == [10, 10]
    assert first.version != second.version


def test_what_is_computed_for_a_look_changes_no_present_history(
    features: Step, traffic: pd.DataFrame
) -> None:
    features.run(GOOD, VIEW)
    outputs = {"sources": features.folder / "kept"}
    shutil.copytree(features.sources, outputs["sources"])
    write_table(traffic.head(1), features.folder / "tables" / "news.parquet")
    features.run(GOOD, VIEW, declare=False)
    assert read_table(features.frame)["ships"].tolist()[1] == 10
    assert holds(features.place, {}, outputs)


@pytest.mark.parametrize(
    ("of_rows", "of_view"),
    [
        ([0, 1], [False, True]),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), ["1", "2"]),
        (
            pd.to_datetime(["2024-01-01T01:00", "2024-01-02T01:00"], utc=True),
            pd.to_datetime(["2024-01-01T01:00", "2024-01-02T01:00"]),
        ),
        (["p1", "p2"], [1, 2]),
    ],
)
def test_entities_that_rows_and_views_name_in_different_ways_are_refused(
    of_rows: Any, of_view: Any
) -> None:
    rows, values = pd.DataFrame({"port": of_rows}), pd.DataFrame({"port": of_view})
    with pytest.raises(InvalidData, match="in different ways"):
        check_entities(FeatureView.model_validate(VIEW), rows, values)


def test_rows_of_entities_that_no_view_knows_yet_are_no_fault() -> None:
    rows = pd.DataFrame({"port": ["rostock", "bremen"]})
    assert check_entities(FeatureView.model_validate(VIEW), rows, rows.tail(1)) == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("02116", "2116"),
        ("1", True),
        ("0.5", "0.50"),
        ("100000", "1E5"),
        ("Bremen ", "bremen"),
        ("2024-01-01T00:00:00Z", "2024-01-01"),
        ("2024-01-01T00:00:00", "2024-01-01T01:00:00+01:00"),
    ],
)
def test_a_single_entity_that_rows_write_in_another_way_is_said_with_both_ways(
    ours: str, theirs: Any
) -> None:
    rows = pd.DataFrame({"port": [ours, "rostock", "new"] * 2})
    values = pd.DataFrame({"port": [theirs, "rostock"]})
    (said,) = check_entities(FeatureView.model_validate(VIEW), rows, values)
    assert "2 of 3 entities 'port' of the rows are not in the view 'traffic', 1 of them" in said
    written = "true" if theirs is True else theirs
    assert f"writes {written!r} where the rows write {ours!r}" in said


def test_the_step_says_in_its_log_which_entities_find_no_value(
    features: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    features.run(GOOD.replace('["news"]', '["news"].replace("bremen", "Bremen")'), VIEW)
    assert "writes 'Bremen' where the rows write 'bremen'" in capsys.readouterr().out
    features.run(GOOD.replace('["news"]', '["news"].assign(port="x" + tables["news"].port)'), VIEW)
    assert "none of the 2 entities 'port' of the rows" in capsys.readouterr().out


def test_a_feature_named_like_a_column_of_the_rows_is_refused(features: Step) -> None:
    with pytest.raises(InvalidProject, match="named like features of views: late"):
        features.run(GOOD, {**VIEW, "columns": [{"name": "late"}]})
