"""Demos (`demo.yaml`) are read as strictly as projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from mizzen.errors import InvalidProject
from mizzen.spec.demo import DemoScript, ReplayStep, TrainStep
from mizzen.spec.load import load_model

STORY = """\
apiVersion: mizzen.dev/v1
kind: Demo
title: Flights
steps:
  - title: schedule only
    train: {features.use: []}
    until: 2013-07-01T00:00:00-04:00
  - up: true
  - replay: true
    from: 2013-07-01
    until: 2013-10-01
  - watch: true
    until: 2013-10-01
"""


def load(tmp_path: Path, text: str) -> DemoScript:
    (tmp_path / "demo.yaml").write_text(text)
    return load_model(tmp_path / "demo.yaml", DemoScript, "write one")


def test_a_story_is_read(tmp_path: Path) -> None:
    story = load(tmp_path, STORY)
    assert isinstance(story.steps[0], TrainStep)
    assert story.steps[0].train == {"features.use": []}
    assert isinstance(story.steps[2], ReplayStep)
    assert story.steps[2].start == "2013-07-01"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  - up: true", "  - upp: true", "a step needs one of"),
        ("    until: 2013-10-01\n  - w", "    untill: 2013-10-01\n  - w", "did you mean 'until'"),
        ("    from: 2013-07-01", "    from: yesterday", "demo.yaml:10: steps.2.from"),
        ("  - up: true\n", "", "`replay` needs an `up` step before it"),
    ],
)
def test_a_wrong_story_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in STORY
    with pytest.raises(InvalidProject) as caught:
        load(tmp_path, STORY.replace(old, new))
    assert said in str(caught.value)
