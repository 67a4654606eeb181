"""Quality is what an analyst computes from the same log, whatever comes late and in what order."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from soak import examples

from mizzen.control import quality
from mizzen.control.quality import look
from mizzen.control.state.records import WindowRecord
from mizzen.control.workspace import Workspace
from mizzen.ports.prediction_log import Prediction, TrueLabel

from .conftest import InUse, make_in_use, project_of
from .quality_oracle import LENGTH, Event, Labelled, Predicted, Settings, events_of, oracle

BEGIN = datetime(2024, 7, 1, tzinfo=UTC)
VERSION = 3


def settings_of(rng: np.random.Generator) -> Settings:
    share = float(rng.choice([0.5, 0.9, 1.0]))
    return Settings(share, timedelta(days=int(rng.choice([1, 12, 40]))), 50)


def in_use_with(folder: Path, settings: Settings) -> InUse:
    declared = {"labels": settings.share, "delay": f"{settings.delay.days}d"}
    monitoring = {"window": f"{LENGTH.days}d", "min_rows": settings.least, "quality": declared}
    return make_in_use(folder, project_of(monitoring=monitoring))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[[InUse], Workspace]:
    """A workspace whose registry gives the package of the project in use."""

    def make(used: InUse) -> Workspace:
        class Registry:
            def fetch(self, *_: object) -> Path:
                return used.package

        monkeypatch.setattr(quality, "registry_of", lambda _: Registry())
        return Workspace(used.package, "local", used.project, used.place)

    return make


def feed(used: InUse, workspace: Workspace, events: Sequence[Event]) -> None:
    """Send the events to the real log, in their order; look where one looks, and compare what
    is found with the oracle's."""
    settings = _settings(used)
    for number, event in enumerate(events):
        if isinstance(event, Predicted):
            used.log.append([_logged(event)])
        elif isinstance(event, Labelled):
            used.log.label([TrueLabel(event.id, event.value, event.at)])
        else:
            before = {w.id: w.at for w in workspace.state.watching.all_windows("pumps")}
            look(workspace, VERSION, event.now)
            seen = [at for at in before.values() if at > event.now]
            if not seen:  # an earlier look at a later instant stands
                compare(workspace, oracle(events[:number], event.now, settings))


def _settings(used: InUse) -> Settings:
    declared = used.project.monitoring.quality
    days = timedelta(days=int(str(declared.delay)[:-1]))
    return Settings(declared.labels, days, used.project.monitoring.min_rows)


def _logged(event: Predicted) -> Prediction:
    features = {"load": event.load, "heat": 1.0, "kind": "a"}
    return Prediction(event.id, event.at, "pumps", VERSION, {}, features, event.score, BEGIN)


def compare(workspace: Workspace, expected: pd.DataFrame) -> None:
    stored = workspace.state.watching.all_windows("pumps")
    found = pd.DataFrame([_row(window) for window in stored], columns=expected.columns)
    found["value"] = found["value"].astype(float)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def _row(window: WindowRecord) -> dict[str, Any]:
    figures = {name: window.figures[name] for name in ("predictions", "labelled", "wrong")}
    judged = window.judged
    if judged:
        fell = window.figures["high"] < window.figures["evaluated"] - 0.05
        assert window.alarm == fell
    assert window.figures["share"] == round(figures["labelled"] / figures["predictions"], 4)
    return {"end": window.end, **figures, "judged": judged, "value": window.figures["roc_auc"]}


@pytest.mark.soak
def test_the_series_of_quality_is_the_analysts_for_any_log(
    tmp_path: Path, watched: Callable[[InUse], Workspace]
) -> None:
    packages = {}
    for seed in range(examples(50, 1000)):
        rng = np.random.default_rng(seed)
        settings = settings_of(rng)
        if settings not in packages:
            packages[settings] = in_use_with(tmp_path / f"of {len(packages)}", settings)
        home = tmp_path / f"home {seed}"
        used = packages[settings].elsewhere(home)
        try:
            feed(used, watched(used), events_of(rng, BEGIN))
        except AssertionError as error:
            raise AssertionError(f"log {seed}: {error}") from None
        finally:
            used.log.close()
        shutil.rmtree(home)
