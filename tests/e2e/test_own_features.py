"""A model is measured, served and asked in bulk with its own features, whatever the project's
folder says by now."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters.backends import load_backend
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.control.jobs.job import Champion
from mizzen.control.jobs.materialize import load_newest
from mizzen.control.models.prepare import materialize
from mizzen.control.models.registered import project_of
from mizzen.control.runs.run_lock import RunLock
from mizzen.core.runs import RunState
from mizzen.core.views import VersionedView
from mizzen.errors import Conflict, InvalidProject
from mizzen.project import Project
from mizzen_serving.contract import contract_of
from mizzen_serving.metrics import Instruments
from mizzen_serving.model import load_model
from mizzen_serving.options import ServeOptions
from mizzen_serving.predictions import Predictions
from mizzen_tests.driving import change_run

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
        source = load_backend("feature_source", "local")(place)
        log = SegmentLog(place)
        predictions = Predictions(model, contract, log, source, Instruments())
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
    data = (folder / "data.py").read_text().replace("24 * 90", "24 * int(days)")
    told = "    days, at_name = open('wind.txt').read().split()\n"
    data = data.replace("    rng =", f"{told}    rng =")
    data = data.replace('"wind": known', '"wind": known.rename(columns={"at": at_name})')
    (folder / "data.py").write_text(data)
    (folder / "wind.txt").write_text("90 at")
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


def later(view: VersionedView) -> tuple[VersionedView, pd.DataFrame]:
    """Another version of the view, with values until June, as a run of newer code declares it."""
    at = pd.to_datetime(["2024-06-02T00:00Z"])
    values = pd.DataFrame({"port": ["Dover"], "event_timestamp": at, "knots": [1.0]})
    return view.model_copy(update={"version": "0" * 16}), values


def test_after_a_rollback_what_ends_is_said_and_computed_anew_by_the_versions_own_code(
    ferries: Ferries, capsys: pytest.CaptureFixture[str]
) -> None:
    project = ferries.project
    place = project.workspace.place
    (mine,) = project_of(project.workspace, 1).views
    assert project.stale_features(1) == []
    newer, values = later(mine)
    load_backend("feature_source", "local")(place).apply([newer], {"wind": values})

    (stale,) = project.stale_features(1)
    assert (stale.view, stale.ends) == ("wind", datetime(2024, 5, 29, 23, tzinfo=UTC))
    assert "end at 2024-05-29T23:00:00Z" in str(stale)
    assert "until 2024-06-02T00:00:00Z" in str(stale)
    assert stale.fix == "mizzen features refresh --version 1"
    if project.champion().version != 1:
        project.promote(1)
    command = [sys.executable, "-m", "mizzen", "status", "-C", str(ferries.folder)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert str(stale) in shown.stdout
    (told,) = [one for one in project.doctor() if one.subject == "features"]
    assert (told.level, told.found, told.fix) == ("warning", stale.found, stale.fix)
    load_newest(Champion(project.workspace, 1, project_of(project.workspace, 1).package), END)
    assert f"warning: {stale}" in capsys.readouterr().out

    # today's code would compute something else, and today's data reaches further
    ferries.write(OTHER)
    (ferries.folder / "wind.txt").write_text("100 at")
    (fresh,) = ferries.project.refresh_features(1)
    assert (fresh.version, fresh.ends) == (mine.version, datetime(2024, 6, 8, 23, tzinfo=UTC))
    assert ferries.project.stale_features(1) == []
    asked = {"port": ["Dover"]}, [datetime(2024, 6, 8, 23, 30, tzinfo=UTC)]
    (knots,) = load_backend("feature_source", "local")(place).online([mine], *asked)["knots"]
    assert knots == pytest.approx(10 + 8 * math.sin((24 * 100 - 1) / 17))


def test_only_versions_of_views_that_no_registered_version_needs_are_pruned(
    ferries: Ferries,
) -> None:
    project = ferries.project
    source = load_backend("feature_source", "local")(project.workspace.place)
    (mine,) = project_of(project.workspace, 1).views
    unused, values = later(mine)
    source.apply([unused], {"wind": values})
    assert project.prune_features("30d") == []
    needed = {one.declared.version: one.needed_by for one in project.feature_versions()}
    assert 1 in needed[mine.version]
    assert needed[unused.version] == ()
    time.sleep(1)
    gone = {view.version for view in project.prune_features("1s")}
    assert gone == {version for version, models in needed.items() if not models}
    assert {one.version for one in source.declared()} == needed.keys() - gone
    assert source.materialize([mine], END) == 2


def test_nothing_is_pruned_while_a_run_goes_on(ferries: Ferries) -> None:
    state = ferries.project.workspace.state
    run = state.runs.newest_first(ferries.project.name, 1)[0]
    going = replace(run, id=f"{run.id}-2", folder=f"{run.folder}-2", state=RunState.RUNNING)
    state.runs.add(going, str(ferries.folder))
    try:
        with RunLock(Path(going.folder)), pytest.raises(Conflict, match=going.id):
            ferries.project.prune_features("1s")
    finally:
        change_run(state, going.id, run.project, state=RunState.CANCELLED)


def test_a_view_that_cannot_be_computed_any_more_keeps_the_values_that_it_had(
    ferries: Ferries,
) -> None:
    source = load_backend("feature_source", "local")(ferries.project.workspace.place)
    before, told = source.declared(), ferries.folder / "wind.txt"
    kept = told.read_text()
    told.write_text("90 when")
    try:
        with pytest.raises(InvalidProject, match="without event_timestamp"):
            ferries.project.refresh_features(1)
    finally:
        told.write_text(kept)
    assert source.declared() == before
