"""Sketches: what is merged equals what was never divided."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.core import bins as binning
from mizzen.core import histogram as sketching
from mizzen.core.histogram import BUCKETS, NumberSketch, Sketch, sketch_categories, sketch_numbers
from mizzen.errors import InvalidData
from mizzen_tests.soak import examples

numbers = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True),
        st.integers(-5, 5).map(float),
        st.just(0.0),
        st.just(-0.0),
    ),
    max_size=80,
)
names = st.lists(st.one_of(st.none(), st.sampled_from("abc"), st.integers(0, 3)), max_size=60)


def text(sketch: Sketch) -> str:
    return json.dumps(sketch.as_dict(), sort_keys=True)


def of_numbers(values: Any) -> NumberSketch:
    return sketch_numbers(np.array(values, dtype=np.float64), "x")


def of_names(values: Any) -> Sketch:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return sketch_categories(array)


@given(numbers, numbers, numbers)
def test_merged_number_sketches_equal_the_sketch_of_all_rows(a, b, c) -> None:  # type: ignore[no-untyped-def]
    one, two, three = of_numbers(a), of_numbers(b), of_numbers(c)
    assert text(one.merge(two).merge(three)) == text(of_numbers(a + b + c))
    assert text(three.merge(one.merge(two))) == text(of_numbers(a + b + c))


@pytest.mark.parametrize("cuts", [(1, 2), (7, 60_000), (50_000, 99_999)])
def test_the_law_holds_for_more_values_than_buckets(cuts: tuple[int, int]) -> None:
    values = np.random.default_rng(0).normal(size=100_000) * 10 ** np.linspace(-3, 3, 100_000)
    parts = [of_numbers(part) for part in np.split(values, cuts)]
    merged = parts[2].merge(parts[0]).merge(parts[1])
    assert text(merged) == text(of_numbers(values))
    assert len(merged.codes) <= BUCKETS
    assert merged.rows == 100_000


@given(names, names)
def test_merged_category_sketches_equal_the_sketch_of_all_rows(a, b) -> None:  # type: ignore[no-untyped-def]
    assert text(of_names(a).merge(of_names(b))) == text(of_names(a + b))


def test_many_names_are_counted_by_groups_however_they_were_divided() -> None:
    tails = [f"N{n % 3000}" for n in range(9000)]
    whole = of_names(tails)
    assert whole.grouped
    assert len(whole.counts) == 256
    few, many = of_names(tails[:500]), of_names(tails[500:])
    assert not few.grouped
    assert text(few.merge(many)) == text(whole)


@given(numbers)
def test_a_sketch_survives_json(values) -> None:  # type: ignore[no-untyped-def]
    sketch = of_numbers(values)
    assert text(sketching.from_dict(json.loads(text(sketch)))) == text(sketch)


def test_equal_values_are_never_parted_and_nulls_are_counted() -> None:
    values = [3.0] * 50 + [float(n) for n in range(2000)] + [float("nan")] * 7
    sketch = of_numbers(values)
    bucket = np.searchsorted(sketch.floors(), 3.0, side="right") - 1
    assert sketch.counts[bucket] >= 51
    assert sketch.nulls == 7
    assert (np.diff(sketch.floors()) > 0).all()


def test_a_number_column_with_text_is_refused() -> None:
    with pytest.raises(InvalidData, match="must hold numbers"):
        sketch_numbers(np.array(["a", 1.0], dtype=object), "load")


def test_the_same_class_is_one_name_whatever_its_type() -> None:
    assert text(of_names([1, 0])) == text(of_names([1.0, 0.0])) == text(of_names(["1", "0"]))
    assert text(of_names([True, False])) == text(of_names(["true", "false"]))


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
@pytest.mark.parametrize("shift", [0.0, 1015.0])
def test_bins_hold_about_a_tenth_of_the_rows_each(scale: float, shift: float) -> None:
    values = scale * (np.random.default_rng(0).normal(size=50_000) + shift)
    sketch = of_numbers(values)
    bins = binning.bins_of(sketch)
    shares = bins.count(sketch) / 50_000
    assert shares == pytest.approx([0, *[0.1] * 10, 0], abs=0.015)
    assert isinstance(bins, binning.NumberBins)
    exact = np.bincount(np.searchsorted(bins.edges, values, side="right"), minlength=12)
    assert bins.count(sketch).tolist() == exact.tolist()


def test_a_frequent_value_has_a_bin_of_its_own() -> None:
    rain = np.concatenate([np.zeros(9400), np.random.default_rng(0).exponential(size=600)])
    sketch = of_numbers(rain)
    assert binning.bins_of(sketch).count(sketch).tolist() == [0, 9400, 600, 0]


@pytest.mark.parametrize("values", [[], [float("nan")] * 3, [1.0] * 9, [float("inf")], [0.0]])
def test_columns_without_variety_have_bins_too(values: list[float]) -> None:
    sketch = of_numbers(values)
    counted = binning.count(binning.bins_of(sketch), sketch)
    assert counted.sum() == len(values)
    assert np.count_nonzero(counted) <= 1


def test_new_categories_fall_into_the_last_bin() -> None:
    bins = binning.bins_of(of_names(["a"] * 5 + ["b"]))
    assert binning.count(bins, of_names(["a", "z", None])).tolist() == [1, 0, 1, 1]


@pytest.mark.soak
@settings(max_examples=examples(60, 10_000), deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_bins_of_numbers_of_any_size_count_every_row(values) -> None:
    sketch = sketch_numbers(np.array(values), "x")
    bins = binning.bins_of(sketch)
    assert np.isfinite(bins.edges).all()
    assert list(bins.edges) == sorted(bins.edges)
    assert binning.count(bins, sketch).sum() == len(values)
    assert binning.count(bins, sketch)[0] == 0, "nothing lies below the least training row"
    assert binning.count(bins, sketch_numbers(np.array([-np.inf, np.inf]), "x")).sum() == 2
    same = sketch_numbers(np.full(9, values[0]), "x")
    other = values[0] / 2 - 1.0
    if other != values[0]:
        asked = binning.count(binning.bins_of(same), sketch_numbers(np.array([other]), "x"))
        assert (binning.count(binning.bins_of(same), same) * asked).sum() == 0, (
            "a constant has its own bin"
        )
