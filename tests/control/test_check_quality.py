"""`mizzen check` says what of quality will never be judged."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mizzen.control.check.drift_windows import check_windows
from mizzen.control.check.monitoring import check_quality
from mizzen.control.workspace import Workspace


def told(workspace: Workspace, **fields: Any) -> list[str]:
    names = {"delay": "label.delay", "kept": "serving.log.retention"}
    names |= {"window": "monitoring.window", "due": "monitoring.quality.delay"}
    changed = workspace.changed({names[name]: value for name, value in fields.items()})
    found = check_quality(changed.spec)
    assert all(finding.level == "warning" and finding.next_step for finding in found)
    return [f"{finding.message}; {finding.next_step}" for finding in found]


def test_labels_that_come_when_the_log_has_forgotten_are_reported(workspace: Workspace) -> None:
    found = told(workspace, delay="90d", kept="90d")
    assert "quality will never be judged: labels come after 90d" in found[0]
    assert "set serving.log.retention to 91d or more" in found[0]


def test_windows_that_outlive_the_log_are_reported(workspace: Workspace) -> None:
    found = told(workspace, delay="40d", kept="60d", window="30d")
    assert "windows of 30d are judged up to 40d later" in found[0]
    assert "71d or more" in found[0]


def test_a_verdict_that_is_declared_before_its_labels_is_reported(workspace: Workspace) -> None:
    found = told(workspace, delay="20d", due="5d")
    assert "judged 5d after their end, but labels come after 20d" in found[0]


@pytest.mark.parametrize("fields", [{}, {"delay": "30d"}, {"delay": "30d", "window": "30d"}])
def test_what_will_be_judged_is_not_reported(workspace: Workspace, fields: Any) -> None:
    assert told(workspace, **fields) == []


def rows_of(workspace: Workspace, count: int, every: str) -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=count, freq=every, tz="UTC")
    return pd.DataFrame({workspace.spec.data.event_time: times})


def test_windows_that_hold_too_few_rows_are_reported_once(workspace: Workspace) -> None:
    (found,) = check_windows(rows_of(workspace, 300, "12h"), workspace.spec)
    assert (found.level, found.subject) == ("warning", "monitoring.min_rows")
    assert "more than 60 rows, and monitoring.min_rows is 200" in found.message
    assert "neither drift nor quality will ever be judged" in found.message
    assert check_windows(rows_of(workspace, 3000, "1h"), workspace.spec) == []


def test_windows_of_quality_that_hold_too_few_rows_are_reported(workspace: Workspace) -> None:
    short = workspace.changed({"monitoring.quality.window": "5d"}).spec
    (found,) = check_windows(rows_of(workspace, 3000, "1h"), short)
    assert "of 5d, holds 120 rows" in found.message
    assert found.message.endswith("quality will never be judged")
    drift, quality = check_windows(rows_of(workspace, 300, "12h"), short)
    assert "drift will never be judged" in drift.message
    assert "holds 10 rows" in quality.message
