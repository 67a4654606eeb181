"""`mizzen check --data` says what is odd about numbers before a model learns from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mizzen.control.check import check
from mizzen.control.workspace import Workspace
from mizzen.core.oddities import oddities


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            np.where(np.arange(1000) % 20, np.linspace(0, 1, 1000), 999_999_999),
            "999999999 in 50 of",
        ),
        (np.where(np.arange(1000) % 4, np.linspace(5, 9, 1000), -999), "-999 in 250 of 1000 rows"),
        (np.full(100, 0.1), "0.1 in every row"),
        (np.array([0.1, 0.3 - 0.2] * 50), "by rounding only"),
        (np.array([*range(2**53, 2**53 + 900, 2), 2**53 + 1]), "1 of which float64 cannot tell"),
        (
            np.array([None, 2**60 + 1, *range(2**60, 2**60 + 10**6, 10**4)], dtype=object),
            "1 of which float64 cannot tell",
        ),
        (np.append(np.linspace(0, 1, 1000), 1e30), "1e+30"),
    ],
)
def test_what_is_odd_about_numbers_is_said(values: np.ndarray, said: str) -> None:
    (sentence,) = oddities("x", values)
    assert sentence.startswith("'x' ")
    assert said in sentence


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(7, 3, 5000),
        np.exp(np.random.default_rng(0).normal(0, 1, 5000)),
        np.arange(5000),
        np.arange(1000) % 2,
        (np.arange(1000) % 100 == 0).astype(float),
        np.array([1.7e9 + n for n in range(1000)]),
        np.array([None, True, False, 1.5] * 20, dtype=object),
        np.array([np.nan, np.nan]),
    ],
    ids=["normal", "skewed", "ids", "flag", "rare", "seconds", "mixed", "null"],
)
def test_ordinary_numbers_are_not_remarked_upon(values: np.ndarray) -> None:
    assert oddities("x", values) == []


def test_a_check_of_the_data_names_sentinels(workspace: Workspace) -> None:
    file = workspace.folder / "data" / "orders.csv"
    frame = pd.read_csv(file, dtype={"order_id": str})
    frame["customer_age_days"] = frame["customer_age_days"].where(frame.index % 20 > 0, 999_999_999)
    frame.to_csv(file, index=False)
    found = check(workspace, with_data=True)
    (warned,) = [each for each in found if "999999999" in each.message]
    assert (warned.level, warned.subject) == ("warning", "features")
    assert "'customer_age_days'" in warned.message
    assert not [each for each in found if each.level == "error"]
