"""The validate step: what fails stops the run, with the rows shown and the result kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters.backends import load_backend
from mizzen.adapters.tables import write_table
from mizzen.core.place import Place
from mizzen.errors import InvalidData, InvalidProject, MizzenError
from mizzen_components.validate import ValidateFigures, run

DATA = {"source": {"path": "x.csv"}, "key": ["trip"], "event_time": "at"}


def expect(name: str, **arguments: Any) -> dict[str, Any]:
    return {"expect": name, "arguments": arguments}


def between(column: str, low: float, high: float) -> dict[str, Any]:
    return expect("ExpectColumnValuesToBeBetween", column=column, min_value=low, max_value=high)


NOT_NULL = expect("ExpectColumnValuesToNotBeNull", column="carrier")


def refused(text: str, kind: type[MizzenError] = InvalidData) -> Any:
    return pytest.raises(kind, match=rf"(?s)^(?=.*next: ).*(?:{text})")


class Step:
    """The step on tables of a snapshot."""

    def __init__(self, place: Place, folder: Path, tables: dict[str, pd.DataFrame]) -> None:
        self.result = folder / "result"
        self._tables = folder / "tables"
        for name, frame in tables.items():
            write_table(frame, self._tables / f"{name}.parquet")
        self.versions = load_backend("data_versions", "dvc")(place)
        self.version = self.versions.snapshot(self._tables)

    def __call__(self, *expectations: dict[str, Any]) -> ValidateFigures:
        return run(
            tables=self._tables,
            data=DATA,
            expectations=list(expectations),
            version=self.version,
            result=self.result,
        )

    def stored(self, name: str = "result") -> Any:
        return json.loads((self.result / f"{name}.json").read_text())


@pytest.fixture
def step(in_step: Place, tmp_path: Path, trips: pd.DataFrame) -> Step:
    weather = pd.DataFrame({"rain": [0.0, 1.5, None]})
    return Step(in_step, tmp_path, {"rows": trips, "weather": weather})


def test_expectations_that_hold_are_counted_and_kept_with_the_version(step: Step) -> None:
    rain = {**between("rain", 0, 2), "table": "weather"}
    mean = expect("ExpectColumnMeanToBeBetween", column="distance", min_value=5, max_value=15)
    count = expect("ExpectTableRowCountToBeBetween", min_value=45)
    assert step(rain, mean, count) == ValidateFigures(checks=3, warnings=0)
    kept = step.versions.annotations(step.version)["validation"]
    assert kept == step.stored()
    assert kept["success"] is True
    assert [check["table"] for check in kept["checks"]] == ["weather", "rows", "rows"]
    assert step.stored("failing_rows") == []


def test_a_failed_expectation_stops_the_run_and_shows_the_rows(step: Step) -> None:
    with refused(
        r"1 expectation failed on data version [0-9a-f]{32}: nothing was trained"
        r".*given: ExpectColumnValuesToNotBeNull on 'carrier' of table 'rows': "
        r"1 of 45 rows \(2.22 %\)\n    row=8, trip=t007, carrier=None"
        r".*allowed: every expectation.*next: fix the data; or"
    ):
        step(NOT_NULL)


def test_all_failed_expectations_are_listed(step: Step) -> None:
    with refused("2 expectations failed.*'carrier'.*ToBeBetween on 'late'.*late=1"):
        step(NOT_NULL, between("distance", 0, 100), between("late", 5, 9))


def test_ten_failing_rows_are_shown_of_many(step: Step) -> None:
    with pytest.raises(InvalidData) as told:
        step(between("late", 5, 9))
    assert str(told.value).count("trip=") == 10
    assert step.stored()["checks"][0]["failing"] == 45
    rows = step.stored("failing_rows")[0]["rows"]
    assert len(rows) == 10
    assert rows[0]["at"] == "2024-01-01T00:00:00+00:00"


def test_the_bad_result_is_kept_with_the_version_too(step: Step) -> None:
    with pytest.raises(InvalidData):
        step(NOT_NULL)
    assert step.versions.annotations(step.version)["validation"]["success"] is False


def test_a_warning_is_counted_and_stops_nothing(step: Step) -> None:
    assert step({**NOT_NULL, "severity": "warning"}, between("late", 0, 1)) == (2, 1)
    assert step.stored()["success"] is True
    assert step.stored("failing_rows")[0]["rows"][0]["trip"] == "t007"


def test_a_figure_of_a_whole_column_is_told(step: Step) -> None:
    mean = expect("ExpectColumnMeanToBeBetween", column="late", min_value=3)
    with refused(r"ExpectColumnMeanToBeBetween on 'late' of table 'rows': 0\.\d+"):
        step(mean)


class TestNamesThatAreNumbers:
    """A snapshot holds classes and categories as texts; what is asked of them as numbers holds."""

    @pytest.fixture
    def named(self, in_step: Place, tmp_path: Path) -> Step:
        frame = pd.DataFrame(
            {
                "trip": [f"t{n}" for n in range(8)],
                "late": ["0", "1", "0", None, "0", "0", "1", "0"],
                "zip": ["02116", "10001", "02116", "94103", "10001", "02116", "60601", "K1A0B1"],
                "gate": ["9", "10", "11", "9", "10", "11", "9", "120"],
            }
        )
        return Step(in_step, tmp_path, {"rows": frame})

    @pytest.mark.parametrize(
        ("name", "bounds"),
        [
            ("Mean", {"min_value": 0.28, "max_value": 0.29}),
            ("Median", {"min_value": 0, "max_value": 0}),
            ("Sum", {"min_value": 2, "max_value": 2}),
            ("Stdev", {"min_value": 0.4, "max_value": 0.5}),
            ("Min", {"min_value": 0}),
            ("Max", {"max_value": 1}),
        ],
    )
    def test_a_class_label_of_zeros_and_ones_has_figures(
        self, named: Step, name: str, bounds: dict[str, float]
    ) -> None:
        assert named(expect(f"ExpectColumn{name}ToBeBetween", column="late", **bounds)) == (1, 0)

    def test_categories_compare_as_numbers_and_are_shown_as_they_stand(self, named: Step) -> None:
        assert named(between("late", 0, 1), between("gate", 9, 120)) == (2, 0)
        with refused("row=8, trip=t7, gate=120"):
            named(between("gate", 9, 11))

    def test_figures_of_names_that_are_no_numbers_are_refused(self, named: Step) -> None:
        with refused("ExpectColumnMeanToBeBetween cannot be evaluated"):
            named(expect("ExpectColumnMeanToBeBetween", column="zip", min_value=1))

    def test_lengths_and_counts_are_those_of_the_texts(self, named: Step) -> None:
        lengths = {"column": "gate", "min_value": 1, "max_value": 3}
        distinct = {"column": "late", "min_value": 2, "max_value": 2}
        assert named(
            expect("ExpectColumnValueLengthsToBeBetween", **lengths),
            expect("ExpectColumnUniqueValueCountToBeBetween", **distinct),
        ) == (2, 0)


def test_several_columns_show_whole_rows(step: Step) -> None:
    unique = expect("ExpectCompoundColumnsToBeUnique", column_list=["carrier", "late"])
    with refused("row=1, trip=t000, at=2024-01-01T00:00:00"):
        step(unique)


def test_unexpected_values_are_told_where_no_rows_are(step: Step) -> None:
    known = expect("ExpectColumnDistinctValuesToBeInSet", column="carrier", value_set=["AA", "UA"])
    with refused(r"ExpectColumnDistinctValuesToBeInSet on 'carrier'.*unexpected \['DL'\]"):
        step(known)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # text conditions go with version 2
def test_a_condition_chooses_the_rows_that_are_judged(step: Step) -> None:
    some = expect(
        "ExpectColumnValuesToNotBeNull",
        column="carrier",
        row_condition='trip != "t007"',
        condition_parser="pandas",
    )
    assert step(some) == (1, 0)


def test_a_share_may_fail_with_mostly(step: Step) -> None:
    arguments = {"column": "carrier", "mostly": 0.9}
    assert step({**NOT_NULL, "arguments": arguments}).checks == 1


def test_an_expected_column_that_is_absent_fails(step: Step) -> None:
    with refused("ExpectColumnToExist on 'gate' of table 'rows': not met"):
        step(expect("ExpectColumnToExist", column="gate"))


def test_no_expectations_are_fine(step: Step) -> None:
    assert step() == (0, 0)
    assert step.stored()["success"] is True


class TestBadExpectations:
    def test_an_unknown_class_names_close_ones(self, step: Step) -> None:
        with refused(
            "Great Expectations has no 'ExpectColumnValueToNotBeNull'"
            ".*allowed: .*ExpectColumnValuesToNotBeNull",
            InvalidProject,
        ):
            step(expect("ExpectColumnValueToNotBeNull", column="late"))

    def test_an_unknown_argument_is_named(self, step: Step) -> None:
        bad = expect("ExpectColumnValuesToBeBetween", column="late", minimum=1)
        with refused("does not know 'minimum'.*allowed: .*min_value", InvalidProject):
            step(bad)

    def test_a_wrong_argument_is_named(self, step: Step) -> None:
        with refused("refuses its arguments: mostly: .*given: .*'mostly': 7", InvalidProject):
            step({**NOT_NULL, "arguments": {"column": "carrier", "mostly": 7}})

    def test_a_missing_argument_is_named(self, step: Step) -> None:
        with refused("refuses its arguments: column: field required", InvalidProject):
            step({**NOT_NULL, "arguments": {}})

    def test_a_renamed_column_names_the_closest(self, step: Step) -> None:
        with refused(
            r"table 'rows' has no column 'carier' \(ExpectColumnValuesToNotBeNull\)"
            ".*given: trip, at.*did you mean 'carier': 'carrier'"
        ):
            step({**NOT_NULL, "arguments": {"column": "carier"}})

    def test_an_unknown_table_is_named(self, step: Step) -> None:
        with refused("looks at 'planes', a table that the source lacks.*given: rows, weather"):
            step({**NOT_NULL, "table": "planes"})

    def test_a_column_of_the_wrong_type_is_told(self, step: Step) -> None:
        with refused("ExpectColumnValuesToBeBetween cannot be evaluated.*given: .*'carrier'"):
            step(between("carrier", 0, 1))


def test_usage_reporting_is_off(step: Step) -> None:
    step(between("late", 0, 1))
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
