"""One check for labels, whichever door they come through."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import settings
from hypothesis import strategies as st

from mizzen.core.true_labels import GivenLabel, LabelRule, given_labels, read_labels, refusal
from mizzen.errors import InvalidData
from mizzen_tests.soak import examples

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BINARY = LabelRule("binary", ("0", "1"))
NUMBER = LabelRule("regression", ())


@pytest.mark.parametrize("value", [0, 1, 1.0, "0", "1"])
def test_a_class_is_taken_in_every_type_that_names_it(value: Any) -> None:
    assert BINARY.read(value) == str(int(value))


@pytest.mark.parametrize(
    "value",
    ["maybe", 7, "7", "nan", "NaN", "inf", "abc", "1e999", "", None, math.nan, math.inf, 0.5, " "],
)
def test_what_is_no_class_of_a_0_1_task_is_refused(value: Any) -> None:
    with pytest.raises(InvalidData) as refused:
        BINARY.read(value)
    assert refused.value.allowed == "0, 1"


@pytest.mark.parametrize(
    "value",
    ["nan", "inf", "-Infinity", "abc", "1e999", "", None, True, "True", "1,5", "1_000", "٣", "0x1"],
)
def test_what_is_no_finite_number_is_refused_in_a_regression(value: Any) -> None:
    with pytest.raises(InvalidData, match="finite number"):
        NUMBER.read(value)


@pytest.mark.parametrize(("value", "kept"), [("3.5", 3.5), ("-1e3", -1000.0), (7, 7.0), ("0", 0.0)])
def test_a_number_is_kept_as_a_number(value: Any, kept: float) -> None:
    assert NUMBER.read(value) == kept


def test_a_class_that_is_written_otherwise_is_refused_with_the_one_that_was_meant() -> None:
    rule = LabelRule("multiclass", ("Oak", "true", "1"))
    for value, meant in [("oak", "Oak"), ("True", "true"), ("1.0", "1"), (" Oak", "Oak")]:
        with pytest.raises(InvalidData, match=f"did you mean '{meant}'"):
            rule.read(value)


def test_classes_that_look_like_numbers_stay_as_they_are_written() -> None:
    assert LabelRule("multiclass", ("01", "1", "1.0")).read("01") == "01"


def refused(label: GivenLabel) -> InvalidData:
    _, faults = read_labels([label], lambda _: BINARY, NOW)
    return refusal(faults, 1)


@pytest.mark.parametrize(
    "at",
    ["2026-01-01T00:00:00", "2026-01-01", "yesterday", "1767225600", 0, datetime(2026, 1, 1)],  # noqa: DTZ001
)
def test_an_instant_without_a_zone_is_refused(at: Any) -> None:
    error = refused(GivenLabel("p1", "1", at, "row 2"))
    assert "row 2, id p1" in str(error.given)
    assert "time zone" in str(error)


def test_an_instant_in_the_future_is_refused_and_a_clock_that_is_ahead_is_not() -> None:
    soon = (NOW + timedelta(minutes=2)).isoformat()
    assert "later correction would lose" in str(refused(GivenLabel("p1", "1", soon, "row 1")))
    ahead = GivenLabel("p1", "1", (NOW + timedelta(seconds=20)).isoformat(), "row 1")
    kept, faults = read_labels([ahead], lambda _: BINARY, NOW)
    assert (kept[0].at, faults) == (NOW, [])


def test_a_refusal_names_each_row_id_and_value_and_keeps_nothing() -> None:
    rows = [GivenLabel(f"p{n}", "maybe" if n % 2 else "1", None, f"row {n}") for n in range(40)]
    kept, faults = read_labels(rows, lambda _: BINARY, NOW)
    error = refusal(faults, len(rows))
    assert error.message == "20 of 40 labels cannot be taken, so none was kept"
    assert "row 1, id p1: 'maybe'" in str(error.given)
    assert "and 10 more" in str(error.given)
    assert len(kept) == 20


def test_labels_that_contradict_each_other_at_one_instant_are_refused() -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-01-01T02:00:00+01:00"
    rows = [
        GivenLabel("p1", "1", early, "row 1"),
        GivenLabel("p1", 1.0, "2026-01-01T01:00:00+01:00", "row 2"),  # the same again
        GivenLabel("p1", "0", late, "row 3"),  # a correction
        GivenLabel("p2", "0", None, "row 4"),
        GivenLabel("p2", "1", None, "row 5"),
    ]
    kept, faults = read_labels(rows, lambda _: BINARY, NOW)
    assert [(label.prediction_id, label.value) for label in kept[:2]] == [("p1", "1"), ("p1", "0")]
    assert [fault.label.where for fault in faults] == ["row 5"]
    error = refusal(faults, len(rows))
    assert "row 5, id p2: '1', and '0' in row 4 (another label of" in str(error.given)


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        (("prediction_id", "value", "time"), "'time': 'at'"),
        (("prediction_id", "label"), "'label': 'value'"),
        (("id", "value"), "'id': 'prediction_id'"),
        (("prediction_id", "value", "note"), "Nothing was kept"),
        (("prediction_id", "vale"), "'vale': 'value'"),
    ],
)
def test_fields_that_labels_do_not_have_are_refused_with_a_hint(
    columns: tuple[str, ...], hint: str
) -> None:
    with pytest.raises(InvalidData) as error:
        given_labels([dict.fromkeys(columns, "1")])
    assert hint in str(error.value)


@pytest.mark.soak
@settings(max_examples=examples(50, 2000), deadline=None)
@generated(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text("01.etruanfi+- ", max_size=8)
    ),
    st.sampled_from([BINARY, NUMBER, LabelRule("multiclass", ("a", "true", "1.5"))]),
)
def test_whatever_is_given_is_kept_as_the_task_knows_it_or_refused(
    value: Any, rule: LabelRule
) -> None:
    try:
        kept = rule.read(value)
    except InvalidData as error:
        assert error.given is not None
        return
    assert kept in rule.classes if rule.classes else math.isfinite(float(kept))
    assert rule.read(kept) == kept
