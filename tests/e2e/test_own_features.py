"""A model is measured, served and asked in bulk with its own features, whatever the project's
folder says by now."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.adapters.table import load
from mizzen.control.package import materialize
from mizzen.control.registered import project_of
from mizzen.core.runs import RunState
from mizzen.project import Project
from mizzen_serving.contract import contract_of
from mizzen_serving.model import load_model
from mizzen_serving.options import ServeOptions
from mizzen_serving.predictions import Predictions

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

END = datetime(2024, 4, 30, tzinfo=UTC)
VIEW = """
def wind(tables):
    return tables["wind"].rename(columns={"at": "event_timestamp"})
"""
WORSE = """
def wind(tables):
    return tables["wind"].rename(columns={"at": "event_timestamp"}).assign(knots=5.0)
"""
OTHER = """
def wind(tables):
    known = tables["wind"].rename(columns={"at": "event_timestamp"})
    return known.assign(knots=-known["knots"])
"""


@dataclass
class Ferries:
    """The project's folder, and its versions as they are served."""

    folder: Path
    first: dict[str, Any] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return Project.open(self.folder)

    def write(self, view: str, changes: Mapping[str, str] | None = None) -> None:
        """Another code of the view; `changes`: texts to replace in mizzen.yaml."""
        (self.folder / "views.py").write_text(view)
        text = (Path(__file__).parent / "ferries" / "mizzen.yaml").read_text()
        text = text.replace("source: data:wind", "source: views:wind")
        for old, new in (changes or {}).items():
            text = text.replace(old, new)
        (self.folder / "mizzen.yaml").write_text(text)

    def answers(self, version: int) -> list[float]:
        """What the version says to 192 requests, once its features are loaded."""
        workspace = self.project.workspace
        place, registered = workspace.place, project_of(workspace, version)
        materialize(place, registered.package, END)
        model = load_model(ServeOptions(registered.package, version), place)
        contract = contract_of(model.project, model.manifest.views)
        source = load("feature_source", "local")(place)
        log = SegmentLog(place)
        predictions = Predictions(model, contract, log, source, lambda name, count: None)
        rows = [
            {"cars": float(n), "port": ["Dover", "Calais"][n % 2], "crossing": n, "leaves": END}
            for n in range(192)
        ]
        asked = [tuple(row.get(field.name) for field in contract.fields) for row in rows]
        try:
            answers: list[Any] = predictions.answer(asked)
        finally:
            log.close()
        assert not any(answer.missing for answer in answers)
        return [answer.output.value for answer in answers]

    def batch(self, version: int) -> pd.DataFrame:
        run = self.project.predict_batch(version=version, end=END.isoformat()).check()
        step = next(step for step in run.steps if step.name == "predict")
        return pd.read_parquet(step.artifacts["predictions"])


@pytest.fixture(scope="module")
def ferries(tmp_path_factory: pytest.TempPathFactory) -> Ferries:
    folder = tmp_path_factory.mktemp("ferries") / "project"
    shutil.copytree(Path(__file__).parent / "ferries", folder)
    made = Ferries(folder)
    made.write(VIEW)
    run = made.project.run(end=END.isoformat())
    assert run.state is RunState.SUCCEEDED, run.record
    made.first = figures(run)
    return made


def figures(run: Any) -> dict[str, Any]:
    found: dict[str, Any] = next(step for step in run.steps if step.name == "evaluate").figures
    return found


def test_a_champion_is_measured_served_and_asked_with_its_own_features(ferries: Ferries) -> None:
    project = ferries.project
    first = ferries.first
    said, predicted = ferries.answers(1), ferries.batch(1)

    # a worse model is not promoted because the champion was given features of today's code
    ferries.write(WORSE)
    held = ferries.project.run(end=END.isoformat())
    assert figures(held)["champion_value"] == first["value"]
    assert (figures(held)["blessed"], project.champion().version) == (False, 1)

    # another version of the view is promoted, and rolled back: the old one says what it had said
    ferries.write(OTHER, {"ttl: 12h": "ttl: 1h", "trainer:": "gate: {margin: -100}\ntrainer:"})
    promoted = ferries.project.run(end=END.isoformat())
    assert figures(promoted)["champion_value"] == first["value"]
    assert project.champion().version == 2
    views = [project_of(project.workspace, n).views[0].version for n in (1, 2)]
    assert views[0] != views[1]
    ferries.answers(2)
    project.promote(1)
    assert ferries.answers(1) == said

    # neither code nor ttl of the folder changes what a version predicts for many rows
    pd.testing.assert_frame_equal(ferries.batch(1), predicted)
    manifest = json.loads((project_of(project.workspace, 1).package / "manifest.json").read_text())
    assert manifest["views"]["wind"]["version"] == views[0]
