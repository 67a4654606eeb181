"""The promise on real flights: months like the training months are quiet, July on is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mizzen.core.baseline import Baseline, ColumnRows, make_baseline
from mizzen.core.drift import DriftVerdict, judge
from mizzen.spec import ProjectSpec, load_project
from mizzen.spec.duration import to_timedelta

FOLDER = Path(__file__).parents[2] / "pipelines" / "examples" / "flights"
pytestmark = pytest.mark.slow


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"flights_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def project() -> ProjectSpec:
    return load_project(FOLDER)


@pytest.fixture(scope="module")
def flights(project: ProjectSpec) -> pd.DataFrame:
    """Every flight with what was known about it; a plain as-of join stands for Feast's."""
    tables, features = module("data").load(), module("features")
    rows = tables[project.data.rows].sort_values("predicted_at").reset_index(drop=True)
    for view in project.features.used_views:
        source = getattr(features, view.source.partition(":")[2])(tables)
        source["event_timestamp"] = source["event_timestamp"].astype(rows["predicted_at"].dtype)
        kept = [*view.entity, "event_timestamp", *(c.name for c in view.columns)]
        rows = pd.merge_asof(
            rows,
            source.dropna(subset=list(view.entity)).sort_values("event_timestamp")[kept],
            left_on="predicted_at",
            right_on="event_timestamp",
            by=list(view.entity),
            tolerance=pd.Timedelta(to_timedelta(view.ttl)),
        ).drop(columns="event_timestamp")
    return rows


def columns(frame: pd.DataFrame, project: ProjectSpec) -> list[ColumnRows]:
    inputs = [
        ColumnRows(c.name, "input", c.kind, frame[c.name].to_numpy())
        for c in project.features.inputs
    ]
    return [*inputs, ColumnRows("late", "label", "category", frame["late"].to_numpy())]


def seconds(frame: pd.DataFrame) -> Any:
    return frame["predicted_at"].astype("int64").to_numpy() / 1e9


def months(flights: pd.DataFrame, *numbers: int) -> pd.DataFrame:
    return flights[flights["predicted_at"].dt.month.isin(numbers)]


def baseline_of(frame: pd.DataFrame, project: ProjectSpec) -> Baseline:
    known = frame.dropna(subset=["late"])
    return make_baseline(
        columns(known, project), seconds(known), project.monitoring, project.task, {}
    )


def verdict(baseline: Baseline, frame: pd.DataFrame, project: ProjectSpec) -> DriftVerdict:
    sketches = {column.name: column.sketch() for column in columns(frame, project)}
    span = float(np.ptp(seconds(frame)))
    return judge(baseline, sketches, len(frame), span)


@pytest.fixture(scope="module")
def spring(flights: pd.DataFrame, project: ProjectSpec) -> Baseline:
    """The baseline of January to May."""
    return baseline_of(months(flights, 1, 2, 3, 4, 5), project)


@pytest.mark.parametrize("month", [1, 2, 3, 4, 5])
def test_a_month_of_the_training_window_is_quiet(
    flights: pd.DataFrame, project: ProjectSpec, spring: Baseline, month: int
) -> None:
    found = verdict(spring, months(flights, month), project)
    assert (found.judged, found.alarm) == (True, False)


@pytest.mark.parametrize("month", [1, 2, 3, 4, 5])
def test_a_month_like_the_training_months_is_quiet_though_training_never_saw_it(
    flights: pd.DataFrame, project: ProjectSpec, month: int
) -> None:
    others = months(flights, *({1, 2, 3, 4, 5} - {month}))
    found = verdict(baseline_of(others, project), months(flights, month), project)
    assert (found.judged, found.alarm) == (True, False)


def test_a_replay_of_july_to_september_alarms(
    flights: pd.DataFrame, project: ProjectSpec, spring: Baseline
) -> None:
    verdicts = [verdict(spring, months(flights, month), project) for month in (7, 8, 9)]
    assert verdicts[-1].alarm
    assert "late" in {column.column for column in verdicts[-1].beyond}
