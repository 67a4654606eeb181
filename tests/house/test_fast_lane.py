"""`make test-fast` runs what it lists, and nothing of it needs a server or a large library."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mizzen_tests import fast_lane

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LISTED = re.search(r"^FAST := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
PATHS = LISTED.group(1).replace("\\\n", " ").split() if LISTED else []


def test_everything_that_the_fast_lane_lists_exists_and_stands_there_once() -> None:
    assert len(PATHS) > 10
    assert [path for path in PATHS if not (ROOT / path).exists()] == []
    inner = [path for path in PATHS if {str(above) for above in Path(path).parents} & {*PATHS}]
    assert inner == []
    assert len(PATHS) == len(set(PATHS))
    assert "-p mizzen_tests.fast_lane" in MAKEFILE


def test_a_test_of_the_fast_lane_that_loads_a_large_library_fails() -> None:
    with pytest.raises(AssertionError, match=r"torch\.nn is not for the fast lane"):
        fast_lane.Refusal().find_spec("torch.nn")
    assert fast_lane.Refusal().find_spec("torchless") is None


def test_a_test_of_the_fast_lane_that_asks_for_a_database_is_refused(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast_lane.pytest_collection_modifyitems([request.node])
    monkeypatch.setattr(fast_lane, "SERVERS", {"monkeypatch"})
    with pytest.raises(pytest.UsageError, match="not for the fast lane"):
        fast_lane.pytest_collection_modifyitems([request.node])
