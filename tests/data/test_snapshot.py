"""The snapshot step: good tables become a version, bad ones an error that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from mizzen.adapters.backends import load_backend
from mizzen.adapters.bundle import pack, store_of
from mizzen.adapters.tables import read_table
from mizzen.core.place import Place
from mizzen.errors import InvalidData, InvalidProject, MizzenError, UserError
from mizzen_components.snapshot import SnapshotFigures, run

LABEL = {"column": "late", "time": "known_at"}
RULES = {"key": ["trip"], "event_time": "at"}
FILE = {"source": {"path": "trips.parquet"}, **RULES}
READING = {
    "numbers": ["distance"],
    "instants": ["at", "known_at"],
    "names": ["trip", "carrier", "late"],
}
PYTHON = {"source": {"python": "data:load"}, **RULES}


def snapshot(
    tables: Path,
    data: dict[str, Any] | None = None,
    label: dict[str, Any] | None = None,
    code: str = "",
    start: str = "",
    end: str = "",
) -> SnapshotFigures:
    return run(
        code=code,
        data=FILE if data is None else data,
        label=LABEL if label is None else label,
        reading=READING,
        source_digest="",
        start=start,
        end=end,
        tables=tables,
    )


def refused(text: str, kind: type[MizzenError] = InvalidData) -> Any:
    """Expects an error with this text, and with a next step."""
    return pytest.raises(kind, match=rf"(?s)^(?=.*next: ).*(?:{text})")


@pytest.fixture
def tables(in_step: Place, tmp_path: Path) -> Path:
    return tmp_path / "tables"


@pytest.fixture
def write(project: Path, trips: pd.DataFrame) -> Any:
    """Writes the trips, changed, as the project's file."""

    def _write(**columns: Any) -> None:
        trips.assign(**columns).to_parquet(project / "trips.parquet")

    return _write


def bundle(project: Path, place: Place, source: str) -> str:
    (project / "data.py").write_text(f"import pandas as pd\n\n\n{source}\n")
    return pack(project, store_of(place))


class TestWhatIsStored:
    def test_the_rows_come_back_as_they_were(
        self, tables: Path, write: Any, trips: pd.DataFrame
    ) -> None:
        write()
        figures = snapshot(tables)
        assert figures.rows == 45
        assert figures.unlabelled == 0
        back = read_table(tables / "rows.parquet")
        named = trips.assign(late=trips["late"].astype(str))  # a class is known by its name
        assert_frame_equal(back, named, check_dtype=False)
        assert str(back["at"].dtype) == "datetime64[us, UTC]"

    def test_the_version_holds_the_same_bytes(
        self, tables: Path, write: Any, in_step: Place, tmp_path: Path
    ) -> None:
        write()
        version = snapshot(tables).version
        back = load_backend("data_versions", "dvc")(in_step).fetch(version, tmp_path / "back")
        assert (back / "rows.parquet").read_bytes() == (tables / "rows.parquet").read_bytes()

    def test_the_same_rows_in_another_order_are_the_same_version(
        self, tables: Path, project: Path, trips: pd.DataFrame
    ) -> None:
        trips.to_parquet(project / "trips.parquet")
        first = snapshot(tables).version
        trips.sample(frac=1, random_state=1).to_parquet(project / "trips.parquet")
        assert snapshot(tables).version == first

    def test_one_changed_value_is_another_version(self, tables: Path, write: Any) -> None:
        write()
        first = snapshot(tables).version
        write(distance=1.0)
        assert snapshot(tables).version != first

    def test_csv_and_parquet_of_the_same_rows_are_the_same_version(
        self, tables: Path, project: Path, trips: pd.DataFrame
    ) -> None:
        trips.to_parquet(project / "trips.parquet")
        first = snapshot(tables).version
        trips.to_csv(project / "trips.csv", index=False)
        assert snapshot(tables, {**FILE, "source": {"path": "trips.csv"}}).version == first

    def test_a_glob_reads_all_its_files_but_none_of_hidden_folders(
        self, tables: Path, project: Path, trips: pd.DataFrame
    ) -> None:
        for name, part in {"a b": trips[:20], "c": trips[20:], ".old/a": trips[:20]}.items():
            (project / name).parent.mkdir(exist_ok=True)
            part.to_csv(project / f"{name}.csv", index=False)
        assert snapshot(tables, {**FILE, "source": {"path": "**/*.csv"}}).rows == 45

    def test_what_a_killed_attempt_left_is_not_stored(self, tables: Path, write: Any) -> None:
        write()
        first = snapshot(tables).version
        (tables / "stray.parquet").write_bytes(b"half")
        assert snapshot(tables).version == first

    def test_null_labels_are_kept_and_counted(self, tables: Path, write: Any) -> None:
        write(late=[None, 1, None, *[0, 1] * 21])
        assert snapshot(tables).unlabelled == 2
        assert snapshot(tables).rows == 45

    def test_rows_to_predict_need_no_label(self, tables: Path, write: Any) -> None:
        write(late=None)
        assert snapshot(tables, label={}).rows == 45

    def test_a_table_needs_no_event_time(self, tables: Path, write: Any) -> None:
        write()
        data = {"source": {"path": "trips.parquet"}, "key": ["trip"]}
        assert snapshot(tables, data, label={"column": "late"}).rows == 45


class TestTheWindow:
    def test_it_is_half_open(self, tables: Path, write: Any) -> None:
        write()
        start, end = "2024-01-01T02:00:00Z", "2024-01-01T05:00:00+00:00"
        assert snapshot(tables, label={}, start=start, end=end).rows == 3
        assert read_table(tables / "rows.parquet")["trip"].tolist() == ["t002", "t003", "t004"]

    def test_other_zones_are_understood(self, tables: Path, write: Any) -> None:
        write()
        assert snapshot(tables, start="2024-01-01T00:00:00-05:00").rows == 40

    def test_without_a_row_it_is_refused(self, tables: Path, write: Any) -> None:
        write()
        with refused("no row lies in the window.*allowed: a window within 2024-01-01T00:00:00"):
            snapshot(tables, start="2025-01-01T00:00:00Z")

    def test_without_a_zone_it_is_refused(self, tables: Path, write: Any) -> None:
        write()
        with refused("start is no instant with a zone.*given: 2024-01-01.*allowed: ISO 8601"):
            snapshot(tables, start="2024-01-01")
        with refused("end is no instant"):
            snapshot(tables, end="yesterday")

    def test_backwards_it_is_refused(self, tables: Path, write: Any) -> None:
        write()
        with refused("the window ends before it starts"):
            snapshot(tables, start="2024-01-02T00:00:00Z", end="2024-01-01T00:00:00Z")

    def test_without_event_times_it_is_refused(self, tables: Path, write: Any) -> None:
        write()
        data = {"source": {"path": "trips.parquet"}, "key": ["trip"]}
        with refused("a window needs event times"):
            snapshot(tables, data, {"column": "late"}, start="2024-01-02T00:00:00Z")


class TestBadRows:
    def test_a_renamed_column_names_the_closest_known_one(
        self, tables: Path, project: Path, trips: pd.DataFrame
    ) -> None:
        renamed = trips.rename(columns={"late": "Late", "trip": "trip_id"})
        renamed.to_parquet(project / "trips.parquet")
        with refused(
            r"table 'rows' has no column 'trip' \(data.key\), 'late' \(label.column\)"
            r".*given: trip_id, at.*next: did you mean, for 'trip': 'trip_id'\?; 'late': 'Late'\?"
        ):
            snapshot(tables)

    def test_a_key_in_the_index_says_how_to_get_it_out(
        self, tables: Path, project: Path, in_step: Place
    ) -> None:
        code = bundle(
            project,
            in_step,
            "def load():\n    return pd.DataFrame({'at': [], 'late': [], 'known_at': []},"
            " index=pd.Index([], name='trip'))",
        )
        with refused(r"no column 'trip'.*trip is the index: return frame.reset_index\(\)"):
            snapshot(tables, PYTHON, code=code)

    def test_duplicate_keys_are_shown(self, tables: Path, write: Any) -> None:
        write(trip=["t000", *[f"t{n:03d}" for n in range(44)]])
        with refused(r"2 rows share a key.*given: \{'trip': 't000'\}.*allowed: one row per key"):
            snapshot(tables)

    def test_a_null_key_is_refused(self, tables: Path, write: Any) -> None:
        write(trip=[None, *[f"t{n:03d}" for n in range(44)]])
        with refused(r"the key \(trip\) is null in 1 rows"):
            snapshot(tables)

    def test_event_times_without_zone_are_refused(
        self, tables: Path, write: Any, trips: pd.DataFrame, project: Path
    ) -> None:
        naive = trips["at"].dt.tz_localize(None)
        write(at=naive)
        text = "column 'at' does not hold instants with a zone.*allowed: .*Z or .*tz_localize"
        with refused(text):
            snapshot(tables)
        trips.assign(at=naive).to_csv(project / "trips.csv", index=False)
        with refused(text):
            snapshot(tables, {**FILE, "source": {"path": "trips.csv"}})

    @pytest.mark.parametrize("value", ["soon Z", 1_700_000_000, "2024-13-01T00:00:00Z"])
    def test_what_is_no_instant_is_shown(self, tables: Path, write: Any, value: object) -> None:
        write(at=value)
        with refused(f"column 'at' does not hold instants.*given: {value}"):
            snapshot(tables)

    def test_a_null_event_time_is_refused(
        self, tables: Path, write: Any, trips: pd.DataFrame
    ) -> None:
        write(at=trips["at"].where(trips.index != 3))
        with refused("column 'at' is null: .*given: 1 of 45 rows, the first is row 4"):
            snapshot(tables)

    def test_event_times_in_the_future_are_refused(
        self, tables: Path, write: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write()
        monkeypatch.setenv("MIZZEN_NOW", "2024-01-02T12:00:00+00:00")
        with refused("event times in the future: 8 rows.*given: column 'at' up to 2024-01-02T20"):
            snapshot(tables)
        assert snapshot(tables, end="2024-01-02T12:00:00Z").rows == 36

    def test_a_label_known_at_an_unknown_time_is_refused(
        self, tables: Path, write: Any, trips: pd.DataFrame
    ) -> None:
        write(known_at=trips["known_at"].where(trips.index > 1))
        with refused("column 'known_at' is null: a row with a label needs its time"):
            snapshot(tables)

    def test_labels_all_null_are_refused(self, tables: Path, write: Any) -> None:
        write(late=None)
        with refused("the label 'late' is null in every row.*given: 45 rows"):
            snapshot(tables)

    def test_one_class_only_is_refused(self, tables: Path, write: Any) -> None:
        write(late=1)
        with refused("the label 'late' has one value only.*given: 1 in all 45.*allowed: two"):
            snapshot(tables)

    def test_mixed_types_in_a_column_are_refused(
        self, tables: Path, project: Path, in_step: Place, trips: pd.DataFrame
    ) -> None:
        trips.to_parquet(project / "trips.parquet")
        code = bundle(
            project,
            in_step,
            "def load():\n    frame = pd.read_parquet('trips.parquet')\n"
            "    frame['odd'] = ['x', 1, *['y'] * 43]\n    return frame",
        )
        with refused("column 'odd' of table 'rows' cannot be stored.*given: values of type int, "):
            snapshot(tables, PYTHON, code=code)


class TestFiles:
    def test_an_empty_file_is_refused(self, tables: Path, project: Path) -> None:
        (project / "trips.parquet").touch()
        with refused("trips.parquet is empty"):
            snapshot(tables)

    def test_a_file_without_rows_is_refused(self, tables: Path, project: Path) -> None:
        (project / "trips.csv").write_text("trip,at,late,known_at\n")
        with refused("trips.csv has a header and no rows"):
            snapshot(tables, {**FILE, "source": {"path": "trips.csv"}})

    def test_a_missing_file_is_refused(self, tables: Path) -> None:
        text = "names no file.*given: trips.parquet.*allowed: a path or glob of files below"
        with refused(text, InvalidProject):
            snapshot(tables)

    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def test_what_is_no_table_is_refused(self, tables: Path, project: Path, kind: str) -> None:
        (project / f"trips.{kind}").write_bytes(b"\xff\xfe\x00PAR\n\xff,")
        with refused(f"trips.{kind} cannot be read as (CSV in UTF-8|Parquet)"):
            snapshot(tables, {**FILE, "source": {"path": f"trips.{kind}"}})

    def test_an_unknown_ending_needs_a_format(
        self, tables: Path, project: Path, trips: pd.DataFrame
    ) -> None:
        trips.to_csv(project / "trips.txt", index=False)
        with refused(r"trips.txt has an unknown ending.*allowed: .csv"):
            snapshot(tables, {**FILE, "source": {"path": "trips.txt"}})
        source = {"path": "trips.txt", "format": "csv"}
        assert snapshot(tables, {**FILE, "source": source}).rows == 45

    def test_a_column_twice_in_the_header_is_refused(self, tables: Path, project: Path) -> None:
        (project / "trips.csv").write_text("trip,at,late,at\nt,2024-01-01T00:00:00Z,1,x\n")
        with refused("trips.csv has two columns of one name.*given: at"):
            snapshot(tables, {**FILE, "source": {"path": "trips.csv"}})

    def test_files_of_a_glob_must_have_the_same_columns(
        self, tables: Path, project: Path, trips: pd.DataFrame
    ) -> None:
        trips[:20].to_csv(project / "a.csv", index=False)
        trips[20:].rename(columns={"late": "delayed"}).to_csv(project / "b.csv", index=False)
        with refused("b.csv and a.csv have different columns.*given: delayed, late"):
            snapshot(tables, {**FILE, "source": {"path": "*.csv"}})

    def test_nothing_outside_the_project_is_read(
        self, tables: Path, project: Path, trips: pd.DataFrame
    ) -> None:
        outside = project.parent / "secret.parquet"
        trips.to_parquet(outside)
        (project / "link.parquet").symlink_to(outside)
        for path in ("../secret.parquet", str(outside), "link.parquet"):
            with pytest.raises(InvalidProject, match="leads out of the project"):
                snapshot(tables, {**FILE, "source": {"path": path}})

    def test_without_the_project_folder_the_error_says_so(
        self, tables: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MIZZEN_PROJECT_DIR")
        with refused("needs the project's folder.*MIZZEN_PROJECT_DIR is not set", UserError):
            snapshot(tables)


class TestPythonSources:
    def test_several_tables_are_kept_whole(
        self, tables: Path, project: Path, in_step: Place, trips: pd.DataFrame
    ) -> None:
        trips.to_parquet(project / "trips.parquet")
        code = bundle(
            project,
            in_step,
            "def load():\n    trips = pd.read_parquet('trips.parquet')\n"
            "    return {'trips': trips, 'weather': pd.DataFrame({'rain': [1.0, None]})}",
        )
        data = {**PYTHON, "rows": "trips"}
        assert snapshot(tables, data, {}, code, end="2024-01-01T03:00:00Z").rows == 3
        assert read_table(tables / "weather.parquet")["rain"].isna().tolist() == [False, True]

    def test_the_table_of_rows_must_be_among_them(
        self, tables: Path, project: Path, in_step: Place
    ) -> None:
        code = bundle(project, in_step, "def load():\n    return {'flights': pd.DataFrame()}")
        with refused("the source gives no table 'rows'.*given: flights"):
            snapshot(tables, PYTHON, code=code)

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("return 1 / 0", "data:load failed: ZeroDivisionError"),
            ("return None", "returns no table.*given: NoneType"),
            ("return {'a': 1}", "returns no table.*given: int under 'a'"),
        ],
    )
    def test_a_bad_function_is_told(
        self, tables: Path, project: Path, in_step: Place, source: str, text: str
    ) -> None:
        code = bundle(project, in_step, f"def load():\n    {source}")
        with refused(text, InvalidProject):
            snapshot(tables, PYTHON, code=code)

    def test_a_table_named_like_a_path_is_refused(
        self, tables: Path, project: Path, in_step: Place
    ) -> None:
        code = bundle(project, in_step, "def load():\n    return {'../x': pd.DataFrame()}")
        with refused("names a table '../x'"):
            snapshot(tables, PYTHON, code=code)

    def test_columns_named_twice_are_refused(
        self, tables: Path, project: Path, in_step: Place
    ) -> None:
        code = bundle(
            project, in_step, "def load():\n    return pd.DataFrame([[1, 2]], columns=['a', 'a'])"
        )
        with refused("table 'rows' has two columns of one name.*given: a"):
            snapshot(tables, PYTHON, code=code)


def test_a_file_looked_for_beside_the_code_is_told_how_files_are_read(
    in_step: Place, tables: Path, tmp_path: Path
) -> None:
    (tmp_path / "code").mkdir()
    source = tmp_path / "code" / "data.py"
    for text in (
        "def load():\n    return open(Path(__file__).parent / 'rows.csv')\n",
        "x = open(Path(__file__).with_name('rows.csv'))\n\ndef load(): ...\n",
    ):
        source.write_text(f"from pathlib import Path\n\n{text}")
        code = pack(tmp_path / "code", store_of(in_step))
        with refused("open 'rows.csv' by that path from the project's folder", InvalidProject):
            snapshot(tables, PYTHON, code=code)
