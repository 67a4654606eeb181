"""The calibrated alarm: rare without drift, sure of real drift, patient with seasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mizzen.core.baseline import Baseline, ColumnRows, make_baseline
from mizzen.core.drift import DriftVerdict, chance, judge, psi, season
from mizzen.core.judgeable import never_judged
from mizzen.errors import IntegrityError
from mizzen.spec.operation import Monitoring

DAY = 86_400.0
Columns = list[ColumnRows]


def draw(rng: np.random.Generator, rows: int) -> Columns:
    """Twenty columns of many shapes, without drift."""
    columns = [ColumnRows(f"n{i}", "input", "number", rng.normal(size=rows)) for i in range(11)]
    holes = np.where(rng.random(rows) < 0.05, np.nan, rng.exponential(size=rows))
    columns.append(ColumnRows("holes", "input", "number", holes))
    for mean in (1, 3, 9):
        values = rng.poisson(mean, rows).astype(float)
        columns.append(ColumnRows(f"count{mean}", "input", "number", values))
    for classes in (2, 5, 40, 300):
        weights = 1 / np.arange(1, classes + 1)
        values = rng.choice(classes, rows, p=weights / weights.sum()).astype(str)
        columns.append(ColumnRows(f"c{classes}", "input", "category", values))
    columns.append(ColumnRows("y", "label", "category", (rng.random(rows) < 0.2).astype(int)))
    return columns


def reference(
    rng: np.random.Generator, rows: int = 20_000, timed: bool = True, **settings: Any
) -> Baseline:
    seconds = np.sort(rng.random(rows)) * 150 * DAY if timed else None
    return make_baseline(draw(rng, rows), seconds, Monitoring(**settings), "binary", {})


def verdict(baseline: Baseline, columns: Columns, seconds: float | None = 30 * DAY) -> DriftVerdict:
    sketches = {column.name: column.sketch() for column in columns}
    return judge(baseline, sketches, len(columns[0].values), seconds)


def changed(columns: Columns, name: str, change: Any) -> Columns:
    return [
        ColumnRows(c.name, c.role, c.kind, change(c.values)) if c.name == name else c
        for c in columns
    ]


@pytest.mark.parametrize("rows", [500, 2000])
@pytest.mark.parametrize("timed", [True, False])
def test_windows_without_drift_raise_false_alarms_as_rarely_as_declared(
    rows: int, timed: bool
) -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(4):
        baseline = reference(rng, timed=timed, false_alarm=0.05)
        alarms += sum(verdict(baseline, draw(rng, rows)).alarm for _ in range(25))
    # of 100 windows at exactly 5 % more than 11 would alarm once in 100 tries
    assert alarms <= 11


@pytest.mark.parametrize("rows", [500, 2000])
def test_one_column_of_twenty_moved_by_a_standard_deviation_always_alarms(rows: int) -> None:
    rng = np.random.default_rng(3)
    baseline = reference(rng)
    for _ in range(10):
        found = verdict(baseline, changed(draw(rng, rows), "n4", lambda x: x + 1))
        assert found.alarm
        assert [column.column for column in found.beyond] == ["n4"]
        assert "n4" in found.reason


def test_a_small_window_needs_a_larger_change_than_a_large_one() -> None:
    rng = np.random.default_rng(4)
    baseline = reference(rng)
    thresholds = [
        {c.column: c.threshold for c in verdict(baseline, draw(rng, rows)).columns}
        for rows in (500, 5000)
    ]
    assert all(thresholds[0][name] >= thresholds[1][name] for name in thresholds[0])
    assert thresholds[0]["n1"] > 1.5 * thresholds[1]["n1"]


def test_a_jump_of_the_missing_share_alarms_where_values_are_as_ever() -> None:
    rng = np.random.default_rng(5)

    def punch(values: NDArray[Any]) -> NDArray[Any]:
        return np.where(rng.random(len(values)) < 0.3, np.nan, values)

    baseline = reference(rng)
    found = verdict(baseline, changed(draw(rng, 2000), "n2", punch))
    assert [(c.column, c.measure) for c in found.beyond] == [("n2", "missing")]
    one_in_hundred = changed(
        draw(rng, 2000), "n2", lambda x: np.where(np.arange(2000) % 100, x, np.nan)
    )
    assert not verdict(baseline, one_in_hundred).alarm


def test_a_new_category_and_a_changed_label_share_alarm() -> None:
    rng = np.random.default_rng(6)
    baseline = reference(rng)
    fresh = changed(draw(rng, 2000), "c5", lambda x: np.where(rng.random(2000) < 0.2, "new", x))
    assert [c.column for c in verdict(baseline, fresh).beyond] == ["c5"]
    label = changed(draw(rng, 2000), "y", lambda x: (rng.random(2000) < 0.35).astype(int))
    assert [c.role for c in verdict(baseline, label).beyond] == ["label"]


def test_a_season_inside_the_training_window_widens_the_threshold() -> None:
    rng = np.random.default_rng(7)
    days = np.sort(rng.random(30_000)) * 365

    def heat(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return 10 * np.sin(2 * np.pi * at / 365) + rng.normal(0, 3, len(at))

    def baseline_of(values: NDArray[np.float64]) -> Baseline:
        columns = [ColumnRows("heat", "input", "number", values)]
        return make_baseline(columns, days * DAY, Monitoring(), "regression", {})

    seasonal = baseline_of(heat(days))
    flat = baseline_of(rng.normal(heat(days).mean(), 3, len(days)))
    winter = [ColumnRows("heat", "input", "number", heat(np.linspace(280, 310, 3000)))]
    beyond_all = [ColumnRows("heat", "input", "number", rng.normal(40, 3, 3000))]
    assert not verdict(seasonal, winter).alarm
    assert verdict(flat, winter).alarm
    assert verdict(seasonal, beyond_all).alarm


def test_windows_that_are_too_small_or_too_short_are_not_judged() -> None:
    rng = np.random.default_rng(8)
    baseline = reference(rng)
    few = verdict(baseline, changed(draw(rng, 499), "n0", lambda x: x + 9))
    assert (few.alarm, few.judged) == (False, False)
    assert "min_rows" in few.reason
    short = verdict(baseline, draw(rng, 2000), seconds=5 * DAY)
    assert not short.judged
    assert "15.0 days" in short.reason


def test_a_column_that_is_not_in_the_window_is_not_judged() -> None:
    rng = np.random.default_rng(9)
    found = verdict(reference(rng), draw(rng, 2000)[:3])
    assert {c.column for c in found.columns} == {"n0", "n1", "n2"}


def test_an_output_that_moved_is_shown_but_does_not_alarm() -> None:
    rng = np.random.default_rng(10)
    columns = [
        ColumnRows("x", "input", "number", rng.normal(size=4000)),
        ColumnRows("$output", "output", "number", rng.random(4000)),
    ]
    baseline = make_baseline(columns, None, Monitoring(), "binary", {})
    moved = changed(columns, "$output", lambda x: x**4)
    found = verdict(baseline, moved)
    assert not found.alarm
    assert [c.role for c in found.columns if c.beyond] == ["output"]


def test_equal_training_rows_give_an_equal_baseline_that_survives_json() -> None:
    one, two = (reference(np.random.default_rng(11)).to_json() for _ in range(2))
    assert one == two
    assert Baseline.from_json(one).to_json() == one
    assert Baseline.from_json(one).rows == 20_000


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 1}', '{"schema": 2, "columns": [{}]}'])
def test_what_is_no_baseline_is_told_as_such(text: str) -> None:
    with pytest.raises(IntegrityError, match="baseline"):
        Baseline.from_json(text)


def test_short_training_windows_are_cut_into_shorter_blocks() -> None:
    rng = np.random.default_rng(12)
    columns = draw(rng, 4000)
    seconds = np.sort(rng.random(4000)) * 10 * DAY
    baseline = make_baseline(columns, seconds, Monitoring(), "binary", {})
    assert baseline.block_seconds == pytest.approx(1.25 * DAY, rel=0.01)
    assert len(baseline.columns[0].blocks) == 8
    assert not verdict(baseline, draw(rng, 2000)).alarm


def test_the_chi_square_quantile_is_close_to_the_exact_one() -> None:
    # exact values: 6.6349 (1 degree, 1 %), 21.666 (9, 1 %), 29.666 (9, 0.05 %)
    assert chance(2, 0.01) == pytest.approx(6.6349, rel=0.02)
    assert chance(10, 0.01) == pytest.approx(21.666, rel=0.005)
    assert chance(10, 0.0005) == pytest.approx(29.666, rel=0.01)
    assert chance(1, 0.01) == 0


def test_psi_is_zero_for_equal_shares_and_finite_for_empty_bins() -> None:
    assert psi(np.array([30, 70]), np.array([300, 700])) == pytest.approx(0, abs=1e-3)
    assert np.isfinite(psi(np.array([0, 100]), np.array([100, 0])))
    assert season(np.full((12, 4), 1000), 4) == 0


MONTHS = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29, 31, 30, 31]) * DAY
YEARS = np.array([0, 365, 730, 1096, 1461, 1826]) * DAY


def in_batches(
    rng: np.random.Generator, times: NDArray[np.float64], window: str, spread: float = 0.0
) -> Baseline:
    """The baseline of rows that come at a few times only, or within `spread` seconds of them."""
    seconds = np.repeat(times, 800)
    seconds = seconds + rng.random(len(seconds)) * spread
    settings = Monitoring(window=window, false_alarm=0.05)
    return make_baseline(draw(rng, len(seconds)), seconds, settings, "binary", {})


@pytest.mark.parametrize(
    ("times", "window", "spread", "blocks"),
    [
        (MONTHS, "30d", 0.0, 1),
        (MONTHS, "30d", 3 * DAY, 1),
        (MONTHS, "90d", 0.0, 3),
        (YEARS, "365d", 0.0, 1),
        (YEARS, "30d", 0.0, 1),
        (YEARS, "365d", 20 * DAY, 1),
        (YEARS[:2], "365d", 0.0, 1),
    ],
)
def test_rows_that_come_at_one_time_of_a_period_are_judged_by_the_window(
    times: NDArray[np.float64], window: str, spread: float, blocks: int
) -> None:
    rng = np.random.default_rng(20)
    baseline = in_batches(rng, times, window, spread)
    assert baseline.batches
    assert baseline.window_blocks == blocks
    assert Baseline.from_json(baseline.to_json()).window_blocks == blocks
    for seconds in (float(window[:-1]) * DAY, DAY):  # the log may have begun with this batch
        quiet = verdict(baseline, draw(rng, 800), seconds)
        assert (quiet.judged, quiet.alarm) == (True, False), quiet.reason
        moved = verdict(baseline, changed(draw(rng, 800), "n4", lambda x: x + 1), seconds)
        assert [c.column for c in moved.beyond] == ["n4"]


def test_batches_without_drift_raise_false_alarms_as_rarely_as_declared() -> None:
    rng = np.random.default_rng(21)
    baseline = in_batches(rng, MONTHS, "30d")
    alarms = sum(verdict(baseline, draw(rng, 500)).alarm for _ in range(40))
    assert alarms <= 6  # of 40 at exactly 5 % more would alarm three times in 1,000 tries


def test_seasons_between_batches_widen_the_threshold_and_a_stranger_to_all_alarms() -> None:
    rng = np.random.default_rng(22)
    seconds = np.repeat(MONTHS, 800)
    heat = 10 * np.sin(2 * np.pi * seconds / (365 * DAY)) + rng.normal(0, 3, len(seconds))
    columns = [ColumnRows("heat", "input", "number", heat)]
    baseline = make_baseline(columns, seconds, Monitoring(), "regression", {})
    summer = [ColumnRows("heat", "input", "number", rng.normal(9.5, 3, 800))]
    beyond_all = [ColumnRows("heat", "input", "number", rng.normal(30, 3, 800))]
    assert not verdict(baseline, summer).alarm
    assert verdict(baseline, beyond_all).alarm


def test_steady_rows_with_holes_are_no_batches() -> None:
    rng = np.random.default_rng(23)
    seconds = np.sort(rng.random(20_000)) * 150 * DAY
    for keep in (abs(seconds - 70 * DAY) > 20 * DAY, seconds < 100 * DAY):
        some = np.append(seconds[keep], [200 * DAY, 300 * DAY, 400 * DAY])
        baseline = make_baseline(draw(rng, len(some)), some, Monitoring(), "binary", {})
        assert not baseline.batches


def test_a_whole_window_whose_rows_share_a_time_is_judged_by_its_length() -> None:
    rng = np.random.default_rng(24)
    baseline = reference(rng)
    for spread in (0.0, 2 * DAY, 30 * DAY):
        sketches = {column.name: column.sketch() for column in draw(rng, 2000)}
        found = judge(baseline, sketches, 2000, 30 * DAY, spread)
        assert (found.judged, found.alarm) == (True, False), found.reason
        moved = {c.name: c.sketch() for c in changed(draw(rng, 2000), "n4", lambda x: x + 1)}
        assert judge(baseline, moved, 2000, 30 * DAY, spread).alarm


def test_data_tells_whether_windows_like_it_can_be_judged() -> None:
    monthly = np.repeat(MONTHS, 600)
    assert never_judged(monthly, Monitoring(window="30d", min_rows=500)) == []
    assert never_judged(np.repeat(YEARS, 600), Monitoring(window="30d", min_rows=500)) == []
    (few,) = never_judged(np.repeat(MONTHS, 60), Monitoring(window="30d", min_rows=500))
    assert "hold more than 120 rows, and monitoring.min_rows is 500" in few
    uneven = np.append(np.repeat(MONTHS[:9], 60), np.repeat(MONTHS[9:10], 900))
    (seldom,) = never_judged(uneven, Monitoring(window="30d", min_rows=500))
    assert "only 1 of" in seldom
