"""Numbers keep their digits in a model, whatever their size, and whatever stands beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.core.encoding import Encoder, as_float, fit_number
from mizzen.core.scaling import LIMIT, moments, spread_of
from mizzen.errors import InvalidData
from mizzen_tests.soak import examples

finite = st.floats(allow_nan=False, allow_infinity=False)
columns = st.lists(finite, min_size=1, max_size=60).map(np.array)
SIZES = [1e-300, 1e-200, 1e-20, 1.0, 1e9, 1e200, 1e307]


def scaled(training: np.ndarray, values: np.ndarray) -> np.ndarray:
    encoder = Encoder((fit_number("x", training),), ())
    return encoder.encode({"x": values}).numbers[:, 0]


@pytest.mark.soak
@settings(max_examples=examples(150, 30_000), deadline=None)
@given(columns, columns)
def test_every_finite_number_is_encoded_as_a_finite_one(training, values) -> None:
    encoded = scaled(training, values)
    assert np.isfinite(encoded).all()
    assert (np.abs(encoded) <= 2 * LIMIT).all()
    order = np.argsort(values)
    assert (np.diff(encoded[order]) >= 0).all(), "a greater value is never encoded as a smaller one"


@pytest.mark.soak
@settings(max_examples=examples(100, 20_000), deadline=None)
@given(columns, st.randoms())
def test_the_order_of_rows_changes_no_bit_of_an_encoder(training, random) -> None:
    shuffled = training.copy()
    random.shuffle(shuffled)
    assert fit_number("x", shuffled) == fit_number("x", training)


@pytest.mark.parametrize("size", SIZES)
def test_numbers_of_any_size_keep_their_digits(size: float) -> None:
    unit = np.random.default_rng(0).normal(0.5, 0.2, 2000)
    assert np.allclose(scaled(unit * size, unit * size), scaled(unit, unit), atol=1e-6)


def test_ordinary_numbers_are_scaled_to_mean_0_and_deviation_1() -> None:
    values = np.random.default_rng(0).normal(7, 3, 5000)
    encoded = scaled(values, values)
    assert abs(encoded.mean()) < 1e-5
    assert encoded.std() == pytest.approx(1, abs=1e-5)


SENTINELS = [
    {999_999_999.0: 0.05},
    {-999.0: 0.3},
    {1e308: 0.02, -1e308: 0.02},
    {np.finfo(np.float64).max: 0.05},
    {-1e9: 0.1, 1e30: 0.2},
]


@pytest.mark.parametrize("sentinels", SENTINELS, ids=str)
def test_sentinels_leave_the_digits_of_the_others(sentinels: dict[float, float]) -> None:
    rng = np.random.default_rng(0)
    plain = rng.random(4000)
    values = plain.copy()
    for sentinel, share in sentinels.items():
        values[rng.random(len(values)) < share] = sentinel
    spread = spread_of(values)
    assert spread.sentinels == tuple(sorted(sentinels))
    assert (spread.low, spread.high) == pytest.approx((0, 1), abs=0.01)
    known = np.isin(values, list(sentinels), invert=True)
    assert np.unique(scaled(values, values)[known]).size > 0.99 * known.sum()


def test_a_second_mode_is_no_sentinel_and_a_heavy_tail_keeps_its_order() -> None:
    rng = np.random.default_rng(0)
    modes = np.concatenate([rng.normal(0, 1, 600), rng.normal(1000, 100, 400)])
    assert spread_of(modes).sentinels == ()
    assert spread_of(modes).std == pytest.approx(modes.std())
    tail = np.exp(rng.normal(0, 2, 4000))
    assert spread_of(tail).sentinels == ()
    assert len(np.unique(scaled(tail, tail))) > 3900


def test_rare_flags_and_columns_of_mostly_one_value_keep_their_scale() -> None:
    flag = (np.arange(1000) % 100 == 0).astype(float)
    assert spread_of(flag).std == pytest.approx(flag.std())
    assert spread_of(flag).sentinels == ()


@pytest.mark.parametrize("value", [0.1, 0.0, -3.0, 1e200, 1e-300, 1.7e9, 1e308])
def test_a_constant_column_is_scaled_by_its_own_size(value: float) -> None:
    column = fit_number("x", np.full(1000, value))
    assert (column.mean, column.std) == (value, abs(value) or 1.0)
    assert np.abs(scaled(np.full(1000, value), np.array([value * 1.1 + 0.01]))).max() <= 2 * LIMIT


def test_rounding_is_no_spread() -> None:
    noisy = np.array([0.1, 0.3 - 0.2, 0.1 + 1e-17, 0.7 - 0.6] * 50)
    assert spread_of(noisy).constant
    assert abs(scaled(noisy, np.array([0.11]))[0]) < 1


def test_moments_are_those_of_numpy_where_numpy_can() -> None:
    values = np.sort(np.random.default_rng(0).normal(1.7e9, 30, 1000))
    assert moments(values) == pytest.approx((values.mean(), values.std()))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_number_is_refused_with_its_row(value: float) -> None:
    with pytest.raises(InvalidData, match=r"infinite in 1 of 3 rows(.|\n)*in row 2"):
        scaled(np.array([1.0, 2.0]), np.array([1.0, value, 2.0]))


def test_an_integer_that_no_float_can_hold_is_refused() -> None:
    with pytest.raises(InvalidData, match=r"no float64 can hold"):
        as_float(np.array([1, 10**400], dtype=object), "x")
    assert as_float(np.array([10**30, None, True], dtype=object), "x").tolist()[0] == 1e30
