"""Every rule of the judge."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mizzen.core.bootstrap import Comparison, Interval
from mizzen.core.gate import (
    ChampionComparison,
    Footing,
    IncomparableChampion,
    Same,
    SliceComparison,
    Verdict,
    judge,
)
from mizzen.core.metrics import find_metric
from mizzen.spec.training import Gate

AUC = find_metric("roc_auc", "binary")
RMSE = find_metric("rmse", "regression")
NAN = float("nan")


def compared(value: float, old: float, low: float, high: float) -> Comparison:
    return Comparison(
        Interval(value, value, value), Interval(old, old, old), Interval(value - old, low, high)
    )


def part(gain: float, high: float, rows: int = 1000, name: str = "JFK") -> SliceComparison:
    gains = Interval(gain, gain - 0.01, high)
    nothing = Interval(0.7, 0.7, 0.7)
    return SliceComparison("origin", name, rows, Comparison(nothing, nothing, gains))


def verdict(champion: Any, value: float = 0.8, **gate: Any) -> Verdict:
    return judge(AUC, value, champion, Gate.model_validate(gate))


def test_a_value_that_is_not_a_number_is_held_whoever_holds_the_place() -> None:
    for champion in (
        None,
        IncomparableChampion(3, "gone"),
        ChampionComparison(3, compared(NAN, 0.7, NAN, NAN)),
    ):
        found = verdict(champion, NAN)
        assert (found.blessed, found.rule) == (False, "not_a_number")


def test_the_first_model_is_blessed_when_no_floor_is_set() -> None:
    found = verdict(None)
    assert (found.blessed, found.rule) == (True, "no_champion")
    assert "0.8000" in found.reason


@pytest.mark.parametrize(("floor", "blessed"), [(0.79, True), (0.80, True), (0.81, False)])
def test_the_first_model_must_reach_the_floor(floor: float, blessed: bool) -> None:
    found = verdict(None, floor=floor)
    assert (found.blessed, found.rule) == (blessed, "no_champion")


@pytest.mark.parametrize(("floor", "blessed"), [(60.0, True), (50.0, True), (40.0, False)])
def test_the_floor_of_an_error_is_the_largest_one_allowed(floor: float, blessed: bool) -> None:
    assert judge(RMSE, 50.0, None, Gate(floor=floor)).blessed is blessed


@pytest.mark.parametrize("floor", [None, 0.1, 0.9])
def test_a_champion_that_cannot_be_compared_is_never_replaced_by_a_floor(
    floor: float | None,
) -> None:
    found = verdict(IncomparableChampion(3, "it needs columns: wind"), floor=floor)
    assert (found.blessed, found.rule) == (False, "champion_cannot_be_compared")
    assert found.registrable  # a person may decide for it
    for told in ("version 3", "it needs columns: wind", "promote NUMBER --force --reason"):
        assert told in found.reason


def test_what_is_held_for_another_reason_becomes_no_version() -> None:
    worse = ChampionComparison(3, compared(0.7, 0.8, -0.2, 0.0))
    assert not verdict(worse).registrable
    assert not verdict(None, floor=0.9).registrable
    assert verdict(None).registrable


def test_a_candidate_that_is_the_champion_is_told_as_such() -> None:
    found = verdict(Same(2), 0.1, floor=0.9)
    assert (found.blessed, found.rule) == (True, "same_model")
    assert found.reason == "same model as version 2"


def test_a_metric_that_cannot_be_computed_says_why() -> None:
    found = judge(AUC, NAN, None, Gate(), "all 93 rows are of class 'no', and it needs both")
    assert found.reason == (
        "held: roc_auc of the candidate cannot be computed: all 93 rows are of class 'no', and "
        "it needs both"
    )
    undefined = ChampionComparison(3, compared(0.8, NAN, NAN, NAN))
    assert "2 of 400 rows" in judge(AUC, 0.8, undefined, Gate(), "2 of 400 rows").reason


@pytest.mark.parametrize(
    ("footing", "low", "told"),
    [
        (Footing(600), 0.01, None),
        (Footing(600), -0.01, None),
        (Footing(200, left_out=400), 0.01, "200 rows that neither model was trained on, without 4"),
        (Footing(200, left_out=400), -0.01, "200 rows that neither model was trained on"),
        (
            Footing(600, 400, 0, 0.95, 0.9),
            -0.01,
            "version 3 was trained on 400 of these 600 rows, which favours it (roc_auc 0.9500 "
            "there, 0.9000 on the others), so the verdict may be too hard: compare on later rows",
        ),
        (Footing(600, 400), 0.01, "which favours it, so the gain is at least this"),
        (Footing(600, 600), 0.01, "version 3 was trained on all 600 rows"),
        (Footing(600, known=False), 0.01, "on how many of the 600 rows version 3 was trained is"),
    ],
)
def test_the_verdict_says_on_which_rows_it_was_given(
    footing: Footing, low: float, told: str | None
) -> None:
    found = verdict(ChampionComparison(3, compared(0.80, 0.78, low, 0.05), footing=footing))
    assert found.blessed == (low > 0)
    if told is None:
        assert "trained on" not in found.reason
    else:
        assert told in found.reason


def test_a_gain_beyond_chance_is_blessed_with_a_reason_for_people() -> None:
    found = verdict(ChampionComparison(3, compared(0.80, 0.75, 0.04, 0.06), [part(0.05, 0.06)]))
    assert (found.blessed, found.rule) == (True, "better")
    assert found.reason == (
        "blessed: roc_auc is 0.8000 against 0.7500 of version 3, better by 0.0500 "
        "(lower bound +0.0400); no slice is harmed"
    )
    assert found.details["champion_version"] == 3


@pytest.mark.parametrize(
    ("low", "margin", "blessed"),
    [
        (0.001, 0.0, True),
        (0.0, 0.0, False),
        (-0.01, 0.0, False),
        (0.02, 0.03, False),
        (-0.004, -0.005, True),
    ],
)
def test_the_lower_bound_must_exceed_the_margin(low: float, margin: float, blessed: bool) -> None:
    found = verdict(ChampionComparison(3, compared(0.80, 0.78, low, 0.05)), margin=margin)
    assert (found.blessed, found.rule) == (blessed, "better" if blessed else "margin")


def test_a_difference_that_is_not_a_number_is_held() -> None:
    found = verdict(ChampionComparison(3, compared(0.8, NAN, NAN, NAN)))
    assert (found.blessed, found.rule) == (False, "not_a_number")


@pytest.mark.parametrize(
    ("slice_", "blessed"),
    [
        (part(-0.05, -0.04), False),
        (part(-0.05, -0.04, rows=499), True),  # too few rows to say
        (part(-0.019, -0.001), True),  # within the tolerance
        (part(-0.05, 0.01), True),  # as large by chance
        (part(NAN, NAN), True),  # one class only: nothing to compare
    ],
)
def test_no_slice_may_be_harmed(slice_: SliceComparison, blessed: bool) -> None:
    champion = ChampionComparison(
        3, compared(0.80, 0.75, 0.04, 0.06), [part(0.1, 0.2, name="EWR"), slice_]
    )
    found = verdict(champion, no_harm={"tolerance": 0.02, "min_rows": 500})
    assert (found.blessed, found.rule) == (blessed, "better" if blessed else "no_harm")
    if not blessed:
        assert "origin=JFK by 0.0500" in found.reason
        assert found.details["harmed"] == ["origin=JFK"]


def test_details_are_numbers_that_json_can_hold() -> None:
    found = verdict(ChampionComparison(3, compared(0.80, 0.75, 0.04, 0.06)))
    assert all(math.isfinite(v) for v in found.details.values())
