"""Slices of an evaluation: every row is in one, whatever the column holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mizzen_components.evaluate.slices import slices_of

LARGE = 2.0**53


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([LARGE, 2 * LARGE, np.nan], {"9007199254740992.0", "1.8014398509481984e+16", "(null)"}),
        ([np.inf, 1.0, 1.0], {"inf", "1"}),
        ([pd.Timedelta("1d"), pd.Timedelta("2d")], {"1 days 00:00:00", "2 days 00:00:00"}),
        ([True, None, False], {"true", "(null)", "false"}),
        (["02116", "2116"], {"02116", "2116"}),
    ],
)
def test_a_slice_of_any_value_is_measured(values: list[Any], names: set[str]) -> None:
    frame = pd.DataFrame({"s": values})
    found = list(slices_of(frame, ["s"]))
    assert {each.value for each in found} == names
    assert sorted(np.concatenate([each.members for each in found])) == list(range(len(values)))


def test_many_large_or_infinite_numbers_are_cut_into_quarters() -> None:
    frame = pd.DataFrame({"s": [*(LARGE * np.arange(1, 41)), np.inf, -np.inf, np.nan]})
    found = {each.value: len(each.members) for each in slices_of(frame, ["s"])}
    assert len(found) == 7
    assert (found["inf"], found["-inf"], found["(null)"]) == (1, 1, 1)
    assert sum(found.values()) == 43
