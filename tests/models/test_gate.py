"""Every rule of the judge."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mizzen.core.bootstrap import Comparison, Interval
from mizzen.core.gate import Rival, SliceComparison, Unusable, Verdict, judge
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
    for champion in (None, Unusable(3, "gone"), Rival(3, compared(NAN, 0.7, NAN, NAN))):
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


def test_a_champion_that_cannot_be_loaded_holds_whatever_the_floor() -> None:
    for gate in ({}, {"floor": 0.1}):
        found = verdict(Unusable(3, "the weights cannot be read"), **gate)
        assert (found.blessed, found.rule) == (False, "champion_cannot_be_loaded")
        assert "version 3" in found.reason
        assert "the weights cannot be read" in found.reason


@pytest.mark.parametrize(("gate", "blessed"), [({}, False), ({"floor": 0.7}, True)])
def test_a_champion_that_the_project_outgrew_leaves_the_floor_to_decide(
    gate: dict[str, float], blessed: bool
) -> None:
    found = verdict(Unusable(3, "it needs columns: wind", outgrown=True), **gate)
    assert (found.blessed, found.rule) == (blessed, "champion_cannot_be_loaded")


def test_an_outgrown_champion_with_a_floor_that_is_not_reached_holds() -> None:
    assert not verdict(Unusable(3, "columns", outgrown=True), floor=0.9).blessed


def test_a_gain_beyond_chance_is_blessed_with_a_reason_for_people() -> None:
    found = verdict(Rival(3, compared(0.80, 0.75, 0.04, 0.06), [part(0.05, 0.06)]))
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
    found = verdict(Rival(3, compared(0.80, 0.78, low, 0.05)), margin=margin)
    assert (found.blessed, found.rule) == (blessed, "better" if blessed else "margin")


def test_a_difference_that_is_not_a_number_is_held() -> None:
    found = verdict(Rival(3, compared(0.8, NAN, NAN, NAN)))
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
    champion = Rival(3, compared(0.80, 0.75, 0.04, 0.06), [part(0.1, 0.2, name="EWR"), slice_])
    found = verdict(champion, no_harm={"tolerance": 0.02, "min_rows": 500})
    assert (found.blessed, found.rule) == (blessed, "better" if blessed else "no_harm")
    if not blessed:
        assert "origin=JFK by 0.0500" in found.reason
        assert found.details["harmed"] == ["origin=JFK"]


def test_details_are_numbers_that_json_can_hold() -> None:
    found = verdict(Rival(3, compared(0.80, 0.75, 0.04, 0.06)))
    assert all(math.isfinite(v) for v in found.details.values())
