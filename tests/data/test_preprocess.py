"""The preprocess step: nothing held out is learnt from, and nothing tells the label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from mizzen.adapters.tables import read_table, write_table
from mizzen.core.baseline import ColumnRows, make_baseline
from mizzen.core.drift import season
from mizzen.core.encoding import Encoder
from mizzen.errors import InvalidData
from mizzen.spec.operation import Monitoring
from mizzen_components.preprocess import PreprocessFigures, run

DATA = {"source": {"path": "x.csv"}, "key": ["trip"], "event_time": "at"}
FEATURES = {"columns": [{"name": "distance"}, {"name": "carrier", "kind": "category"}]}
LABEL = {"column": "late", "time": "known_at"}
BY_TIME = {"by": "time", "test": "12h"}
BY_KEY = {"by": "key", "test": 0.3}


@dataclass
class Result:
    figures: PreprocessFigures
    train: pd.DataFrame
    test: pd.DataFrame
    encoder: Encoder
    content: tuple[bytes, ...]


@pytest.fixture
def step(tmp_path: Path) -> Any:
    """The step on a frame; sections may be replaced."""

    def _run(frame: pd.DataFrame, **sections: Any) -> Result:
        write_table(frame, tmp_path / "frame.parquet")
        paths: dict[str, Any] = {
            name: tmp_path / "out" / name for name in ("train", "test", "encoder")
        }
        given: dict[str, Any] = {
            "task": "binary",
            "data": DATA,
            "features": FEATURES,
            "label": LABEL,
            "split": BY_TIME,
            "end": "",
            **sections,
        }
        figures = run(frame=tmp_path / "frame.parquet", **given, **paths)
        return Result(
            figures,
            read_table(paths["train"]),
            read_table(paths["test"]),
            Encoder.from_json(paths["encoder"].read_text()),
            tuple(path.read_bytes() for path in paths.values()),
        )

    return _run


def refused(text: str) -> Any:
    return pytest.raises(InvalidData, match=rf"(?s)^(?=.*next: ).*(?:{text})")


def many(count: int, seed: int = 0) -> pd.DataFrame:
    """Rows one minute apart with a label that `distance` hints at."""
    random = np.random.default_rng(seed)
    late = random.integers(0, 2, count)
    times = pd.date_range("2024-01-01", periods=count, freq="min", tz="UTC")
    return pd.DataFrame(
        {
            "trip": [f"t{number}" for number in range(count)],
            "at": times,
            "distance": late + random.normal(0, 1, count),
            "carrier": random.choice(["AA", "UA"], count),
            "late": late,
            "known_at": times + pd.Timedelta(minutes=3),
        }
    )


class TestByTime:
    def test_the_last_part_of_the_window_is_held_out(self, step: Any, trips: pd.DataFrame) -> None:
        # the last event is at 20:00 on day 2: the next whole hour is 21:00, 12 h before is 9:00
        done = step(trips)
        assert done.test["trip"].tolist() == [f"t{number:03d}" for number in range(33, 45)]
        assert done.train["trip"].tolist() == [f"t{number:03d}" for number in range(32 + 1)]
        assert done.figures == (33, 12, 0, 0, 0, 0.028)  # labels come after 40 minutes

    def test_the_boundary_belongs_to_the_test(self, step: Any, trips: pd.DataFrame) -> None:
        done = step(trips, end="2024-01-02T22:10:00+00:00")
        assert done.test["trip"].iloc[0] == "t034"
        done = step(trips, end="2024-01-02T21:40:00+00:00")
        assert done.test["trip"].iloc[0] == "t033"

    def test_days_end_at_midnight_utc(self, step: Any, trips: pd.DataFrame) -> None:
        done = step(trips, split={"by": "time", "test": "1d"})
        assert done.test["trip"].iloc[0] == "t024"

    def test_labels_known_after_the_split_are_kept_out_of_training(
        self, step: Any, trips: pd.DataFrame
    ) -> None:
        slow = trips.assign(known_at=trips["at"] + pd.Timedelta(hours=3))
        done = step(slow)
        assert done.figures == (31, 12, 0, 2, 0, 0.125)
        assert done.train["trip"].iloc[-1] == "t030"  # 6:00 + 3 h: known when the test begins

    def test_a_delay_counts_as_the_labels_time(self, step: Any, trips: pd.DataFrame) -> None:
        done = step(trips, label={"column": "late", "delay": "3h"})
        assert done.figures == (31, 12, 0, 2, 0, 0.125)

    def test_labels_known_after_the_window_are_not_used(
        self, step: Any, trips: pd.DataFrame
    ) -> None:
        slow = trips.assign(known_at=trips["at"] + pd.Timedelta(hours=3))
        done = step(slow, end="2024-01-02T21:00:00+00:00")
        assert done.test["known_at"].max() <= pd.Timestamp("2024-01-02T21:00:00Z")
        # complete up to 18:00: twelve hours are held out before it
        assert done.test["trip"].tolist() == [f"t{number:03d}" for number in range(30, 43)]
        assert (done.figures.incomplete, done.figures.label_delay) == (2, 0.125)

    def test_no_row_on_a_side_is_refused(self, step: Any, trips: pd.DataFrame) -> None:
        with refused("no row is left on the training side.*given: split at 2023-12-2.*events from"):
            step(trips, split={"by": "time", "test": "9d"})
        with refused("no row is left on the test side.*given: split at 2024-12-31T11:20:00"):
            step(trips, end="2025-01-01T00:00:00Z")


@pytest.fixture
def two_speeds() -> pd.DataFrame:
    """120 days, ten rows a day; a positive is known after a day, a negative after fifteen. The
    labels of the newest rows are what is known on the last day."""
    random = np.random.default_rng(4)
    times = pd.date_range("2024-01-01", periods=1200, freq="144min", tz="UTC")
    late = (random.random(1200) < 0.3).astype(int)
    known = times + pd.to_timedelta(np.where(late == 1, 1, 15), unit="D")
    frame = many(1200).assign(at=times, late=pd.array(late, dtype="Int64"), known_at=known)
    unknown = frame["known_at"] > times[-1]
    frame.loc[unknown, ["late", "known_at"]] = None
    return frame


SPLITS = [{"by": "time", "test": "20d"}, BY_KEY]


class TestLabelsOfTwoSpeeds:
    @pytest.mark.parametrize("split", SPLITS)
    @pytest.mark.parametrize("end", ["", "2024-04-29T00:00:00+00:00", "2024-03-20T00:00:00+00:00"])
    def test_neither_side_ends_with_the_faster_outcome_alone(
        self, step: Any, two_speeds: pd.DataFrame, split: Any, end: str
    ) -> None:
        shown = two_speeds[two_speeds["at"] < (end or "2025-01-01T00:00:00+00:00")]
        done = step(shown, split=split, end=end)
        for side in (done.train, done.test):
            assert side["late"].tail(30).mean() < 0.65
            assert side["late"].mean() == pytest.approx(0.3, abs=0.09)
        assert done.figures.label_delay == 15
        assert done.figures.incomplete > 0

    def test_a_number_that_is_known_later_where_it_is_large_is_held_to_the_same(
        self, step: Any
    ) -> None:
        frame = many(1200)
        times = pd.date_range("2024-01-01", periods=1200, freq="144min", tz="UTC")
        days = np.where(frame["distance"] > frame["distance"].median(), 15, 1)
        frame = frame.assign(at=times, known_at=times + pd.to_timedelta(days, unit="D"))
        frame["late"] = frame["distance"] + np.random.default_rng(0).normal(size=1200)
        done = step(frame, task="regression", split=SPLITS[0], end="2024-04-29T00:00:00+00:00")
        assert done.figures.label_delay == 15
        assert done.test["at"].max() <= pd.Timestamp("2024-04-14T00:00:00Z")

    def test_the_baseline_of_drift_holds_no_season_that_the_labels_speed_made(
        self, step: Any, two_speeds: pd.DataFrame
    ) -> None:
        train = step(two_speeds, split=SPLITS[0]).train
        label = ColumnRows("late", "label", "category", train["late"].to_numpy(dtype=object))
        seconds = train["at"].to_numpy(dtype="datetime64[us]").astype(np.int64) / 1e6
        watched = Monitoring.model_validate({"window": "20d"})
        made = make_baseline([label], seconds, watched, "binary", {})
        counts = made.columns[0].blocks[:, :-1]
        assert season(counts[counts.sum(1) > 0], 4) < 0.15


class TestByKey:
    def test_a_row_stays_on_its_side_in_any_order_and_company(self, step: Any) -> None:
        rows = many(400)
        all_rows = step(rows, split=BY_KEY)
        shuffled = step(rows.sample(frac=0.5, random_state=1), split=BY_KEY)
        assert set(shuffled.test["trip"]) <= set(all_rows.test["trip"])
        assert set(shuffled.train["trip"]) <= set(all_rows.train["trip"])
        assert 0.2 < len(all_rows.test) / 400 < 0.4

    def test_the_division_never_changes_between_versions(self, step: Any) -> None:
        held_out = step(many(400), split=BY_KEY).test["trip"].tolist()
        assert held_out[:6] == ["t1", "t6", "t16", "t18", "t19", "t21"]

    def test_a_group_is_never_on_both_sides(self, step: Any) -> None:
        rows = many(400).assign(plane=lambda f: f.index % 23, seat=lambda f: f.index % 2)
        done = step(rows, split={**BY_KEY, "group": ["plane", "seat"]})
        pairs = [
            set(zip(side["plane"], side["seat"], strict=True)) for side in (done.train, done.test)
        ]
        assert not pairs[0] & pairs[1]
        assert all(pairs)

    def test_rows_keep_their_order(self, step: Any) -> None:
        done = step(many(400), split=BY_KEY)
        assert done.test["at"].is_monotonic_increasing
        assert done.train["at"].is_monotonic_increasing

    def test_an_unknown_group_is_refused(self, step: Any, trips: pd.DataFrame) -> None:
        with refused("split.group names 'carier'.*did you mean 'carrier'"):
            step(trips, split={**BY_KEY, "group": ["carier"]})

    def test_it_needs_no_event_time(self, step: Any) -> None:
        data = {"source": {"path": "x.csv"}, "key": ["trip"]}
        assert step(many(100), data=data, split=BY_KEY).figures.withheld == 0


class TestTheEncoder:
    def test_held_out_rows_teach_it_nothing(self, step: Any) -> None:
        rows = many(400)
        plain = step(rows, split={"by": "time", "test": "1h"})
        future = rows.index >= 360
        changed = rows.assign(
            distance=rows["distance"].where(~future, 1e9),
            carrier=rows["carrier"].where(~future, "ZZ"),
        )
        perturbed = step(changed, split={"by": "time", "test": "1h"})
        assert len(plain.test) == 40
        assert perturbed.encoder == plain.encoder
        assert_frame_equal(perturbed.train, plain.train)

    def test_it_holds_scales_categories_and_classes(self, step: Any, trips: pd.DataFrame) -> None:
        done = step(trips)
        number, category = done.encoder.numbers[0], done.encoder.categories[0]
        assert number.mean == pytest.approx(done.train["distance"].mean())
        assert number.missing is True
        assert category.categories == ("AA", "DL", "UA")
        assert done.encoder.classes == ("0", "1")

    def test_classes_of_text_are_sorted(self, step: Any) -> None:
        rows = many(90).assign(late=lambda f: np.array(["red", "blue", "green"])[f.index % 3])
        done = step(rows, task="multiclass", split=BY_KEY)
        assert done.encoder.classes == ("blue", "green", "red")

    def test_a_regression_has_no_classes(self, step: Any) -> None:
        rows = many(90).assign(late=np.random.default_rng(1).normal(size=90))
        assert step(rows, task="regression", split=BY_KEY).encoder.classes == ()


def test_rows_without_a_label_are_left_out_and_counted(step: Any, trips: pd.DataFrame) -> None:
    done = step(trips.assign(late=trips["late"].where(trips.index % 10 > 0)))
    assert done.figures.unlabelled == 5
    assert done.train["late"].notna().all()
    assert done.test["late"].notna().all()


def test_equal_rows_give_equal_bytes(step: Any, trips: pd.DataFrame) -> None:
    assert step(trips).content == step(trips.copy()).content


def test_both_sides_keep_every_column(step: Any, trips: pd.DataFrame) -> None:
    done = step(trips.assign(region="east"))
    assert list(done.train) == list(done.test) == [*trips.columns, "region"]


class TestBadInput:
    def test_a_missing_feature_names_the_closest_column(
        self, step: Any, trips: pd.DataFrame
    ) -> None:
        with refused("columns that the model needs are missing: distance.*'distance': 'distances'"):
            step(trips.rename(columns={"distance": "distances"}))

    def test_text_where_numbers_belong_is_shown(self, step: Any, trips: pd.DataFrame) -> None:
        wrong = trips["distance"].astype(object).astype(str).where(trips.index == 9, "far")
        with refused(
            "feature 'distance' must hold numbers.*given: 45 of 45.*'far'.*kind: category"
        ):
            step(trips.assign(distance=wrong))

    def test_infinite_numbers_are_refused(self, step: Any, trips: pd.DataFrame) -> None:
        with refused("feature 'distance' is infinite in 1 of 45 rows"):
            step(trips.assign(distance=trips["distance"].where(trips.index != 2, np.inf)))

    @pytest.mark.parametrize("column", ["distance", "carrier"])
    def test_a_feature_null_in_all_training_rows_is_refused(
        self, step: Any, trips: pd.DataFrame, column: str
    ) -> None:
        later = trips[column].where(trips.index >= 33)
        with refused(f"features without a value in any training row: {column}.*given: 33 training"):
            step(trips.assign(**{column: later}))

    def test_one_class_in_training_is_refused(self, step: Any, trips: pd.DataFrame) -> None:
        with refused("distinct labels in the training rows: 1.*given: 0.*allowed: exactly 2"):
            step(trips.assign(late=(trips.index >= 33).astype(int)))

    def test_a_third_class_in_a_binary_task_is_refused(
        self, step: Any, trips: pd.DataFrame
    ) -> None:
        with refused("given: 0, 1, 2.*allowed: exactly 2"):
            step(trips.assign(late=trips["late"].where(trips.index != 40, 2)))

    def test_labels_that_are_no_numbers_in_a_regression_are_refused(
        self, step: Any, trips: pd.DataFrame
    ) -> None:
        with refused("'label' must hold numbers"):
            step(trips.assign(late="slow"), task="regression")

    def test_all_labels_null_are_refused(self, step: Any, trips: pd.DataFrame) -> None:
        with pytest.raises(InvalidData, match="label"):
            step(trips.assign(late=pd.Series([None] * 45)))


class TestLeaks:
    """`late` follows from `leak` alone: no model is needed, and none would be honest."""

    def with_leak(self, rows: pd.DataFrame, leak: Any, kind: str = "number") -> dict[str, Any]:
        features = {"columns": [*FEATURES["columns"], {"name": "leak", "kind": kind}]}
        split = {"by": "time", "test": "1h"}
        return {"frame": rows.assign(leak=leak), "features": features, "split": split}

    @pytest.mark.parametrize(
        ("name", "leak"),
        [
            ("the label", lambda rows: rows["late"]),
            ("its opposite", lambda rows: 1 - rows["late"]),
            ("what it was made from", lambda rows: rows["late"] * 20 + np.arange(len(rows)) % 15),
            ("a flag that is null or not", lambda rows: rows["late"].where(rows["late"] == 1)),
        ],
    )
    def test_a_number_that_tells_a_class_is_found(self, step: Any, name: str, leak: Any) -> None:
        rows = many(400)
        with refused("features that leak the label 'late': leak.*alone tells it.*remove them"):
            step(**self.with_leak(rows, leak(rows)))

    def test_a_category_that_tells_a_class_is_found(self, step: Any) -> None:
        rows = many(400)
        status = np.where(rows["late"] == 1, "delayed", rows["carrier"] + " fine")
        with refused("features that leak the label 'late': leak"):
            step(**self.with_leak(rows, status, "category"))

    def test_a_monotone_form_of_a_number_is_found(self, step: Any) -> None:
        rows = many(400).assign(late=lambda f: f["distance"] ** 3 + f.index / 7)
        with refused("features that leak the label 'late': leak"):
            step(**self.with_leak(rows, -np.exp(rows["late"] / 100)), task="regression")

    def test_good_features_pass(self, step: Any) -> None:
        rows = many(3000)
        strong = rows["late"] + np.random.default_rng(5).normal(0, 0.25, 3000)  # AUC 0.998
        assert step(**self.with_leak(rows, strong)).figures.train_rows > 2900

    def test_an_id_is_no_leak(self, step: Any) -> None:
        rows = many(400)
        assert step(**self.with_leak(rows, rows["trip"], "category")).figures.train_rows > 0

    def test_few_rows_are_not_judged(self, step: Any) -> None:
        rows = many(20)
        done = step(**self.with_leak(rows, rows["late"]) | {"split": BY_KEY})
        assert done.figures.train_rows < 30
