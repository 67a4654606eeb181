"""The baseline step: the training rows' shape, from the training rows only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters.files.model_folder import read_baseline
from mizzen.adapters.tables import write_table
from mizzen.core.baseline import Baseline
from mizzen_components.baseline import BaselineFigures, run

FEATURES = {"columns": [{"name": "distance"}, {"name": "carrier", "kind": "category"}]}


@pytest.fixture
def step(tmp_path: Path) -> Any:
    def _run(frame: pd.DataFrame, task: str = "binary", **data: Any) -> BaselineFigures:
        write_table(frame, tmp_path / "train")
        return run(
            train=tmp_path / "train",
            features=FEATURES,
            label={"column": "late"},
            data={"source": {"path": "x.csv"}, "key": ["trip"], **data},
            monitoring={"window": "6h"},
            task=task,
            baseline=tmp_path / "out" / "baseline.json",
        )

    return _run


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    def _read() -> Baseline:
        return read_baseline(tmp_path / "out" / "baseline.json")

    return _read


def test_it_holds_every_input_and_the_label(step: Any, stored: Any, trips: pd.DataFrame) -> None:
    assert step(trips, event_time="at") == BaselineFigures(columns=3)
    baseline = stored()
    assert [(c.name, c.role) for c in baseline.columns] == [
        ("distance", "input"),
        ("carrier", "input"),
        ("late", "label"),
    ]
    assert baseline.rows == 45
    assert [column.sketch.nulls for column in baseline.columns] == [2, 1, 0]
    assert baseline.monitoring.window == "6h"
    assert baseline.block_seconds is not None


def test_its_sample_is_json_with_nulls(step: Any, stored: Any, trips: pd.DataFrame) -> None:
    step(trips)
    sample = stored().sample
    assert sample["distance"][5] is None
    assert sample["distance"][0] == trips["distance"][0]
    assert sample["carrier"][7] is None
    assert sample["late"][0] == str(trips["late"][0])


def test_equal_rows_give_equal_bytes(step: Any, trips: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "out" / "baseline.json"
    step(trips, event_time="at")
    first = file.read_bytes()
    step(trips, event_time="at")
    assert file.read_bytes() == first
    assert json.loads(first)["task"] == "binary"


def test_many_rows_leave_a_bounded_sample(step: Any, stored: Any, trips: pd.DataFrame) -> None:
    step(pd.concat([trips] * 50, ignore_index=True), task="regression")
    assert stored().rows == 2250
    assert len(stored().sample["distance"]) == 1000
