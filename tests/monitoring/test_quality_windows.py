"""Quality is what an analyst computes from the same log, whatever comes late and in what order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.control.monitoring import quality
from mizzen.control.monitoring.quality import look
from mizzen.control.workspace import Workspace
from mizzen.ports.prediction_log import Prediction, TrueLabel
from mizzen.state.records import WindowRecord
from mizzen_monitoring.metrics import QUALITY
from mizzen_tests.soak import examples

from .conftest import DAY, InUse, make_in_use, project_of
from .quality_oracle import Event, Labelled, Look, Predicted, Settings, events_of, oracle

BEGIN = datetime(2024, 7, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Watched:
    """A model in use, whose windows of quality are kept in a real state."""

    used: InUse
    workspace: Workspace
    settings: Settings
    version: int

    def feed(self, events: Sequence[Event]) -> None:
        """Send the events to the real log, in their order, look where one looks, and compare
        what is stored with the oracle's."""
        waiting: list[Event] = []
        for number, event in enumerate(events):
            if not isinstance(event, Look):
                waiting.append(event)
                continue
            self._log(waiting)
            waiting = []
            later = [w for w in self.stored() if w.at > event.now]
            look(self.workspace, self.version, event.now)
            if not later:  # else the look at a later instant stands
                self.compare(oracle(events[:number], event.now, self.settings))

    def stored(self) -> list[WindowRecord]:
        """What the state keeps of this version, oldest first."""
        found = self.workspace.state.monitoring.all_windows("pumps")
        return [window for window in found if window.version == self.version]

    def compare(self, expected: pd.DataFrame) -> None:
        """The stored windows are the oracle's."""
        found = pd.DataFrame([_row(window) for window in self.stored()], columns=expected.columns)
        found["value"] = found["value"].astype(float)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)

    def _log(self, events: Sequence[Event]) -> None:
        predictions = [self._prediction(e) for e in events if isinstance(e, Predicted)]
        labels = [TrueLabel(e.id, e.value, e.at) for e in events if isinstance(e, Labelled)]
        self.used.log.append(predictions)
        self.used.log.label(labels)

    def _prediction(self, made: Predicted) -> Prediction:
        inputs = {"load": made.load, "heat": 1.0, "kind": "a"}
        score, version = made.score, self.version
        return Prediction(made.id, made.at, "pumps", version, {}, inputs, score, BEGIN)


def _row(window: WindowRecord) -> dict[str, Any]:
    figures = {name: window.figures[name] for name in ("predictions", "labelled", "wrong")}
    if window.judged:
        fell = window.figures["high"] < window.figures["evaluated"] - 0.05
        assert window.alarm == fell
    assert window.figures["share"] == round(figures["labelled"] / figures["predictions"], 4)
    value = window.figures["roc_auc"]
    return {"end": window.end, **figures, "judged": window.judged, "value": value}


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Watched]:
    """Makes a watched model with an empty log; its registry gives the package as it lies."""
    first = make_in_use(tmp_path, project_of())

    class Registry:
        def fetch(self, *_: object) -> Path:
            return first.package

    monkeypatch.setattr(quality, "registry_of", lambda _: Registry())
    shared: list[Workspace] = []

    def make(settings: Settings, version: int = 3) -> Watched:
        declared = {"labels": settings.share, "delay": f"{settings.delay.days}d"}
        monitoring = {"window": "10d", "min_rows": settings.min_rows, "quality": declared}
        project = project_of(
            monitoring=monitoring, evaluation={"metrics": ["roc_auc"], "resamples": 100}
        )
        text = json.dumps(project.model_dump(mode="json", by_alias=True))
        (first.package / "project.json").write_text(text)
        place = replace(first.place, home=tmp_path / f"home {version}")
        used = InUse(project, place, first.package, SegmentLog(place))
        workspace = Workspace(first.package, "local", project, place)
        if version % 10 == 1 or not shared:  # a state has several versions, as in a project
            shared[:] = [workspace]
        workspace.__dict__["state"] = shared[0].state
        return Watched(used, workspace, settings, version)

    return make


@pytest.mark.soak
def test_the_series_of_quality_is_the_analysts_for_any_log(watch: Callable[..., Watched]) -> None:
    for seed in range(examples(50, 1000)):
        rng = np.random.default_rng(seed)
        delay = timedelta(days=int(rng.choice([1, 12, 40])))
        watched = watch(Settings(float(rng.choice([0.5, 0.9, 1.0])), delay, 50), seed + 1)
        try:
            watched.feed(events_of(rng, BEGIN))
        except AssertionError as error:
            raise AssertionError(f"log {seed}: {error}") from None
        finally:
            watched.used.log.close()
        shutil.rmtree(watched.used.place.home / "predictions")


def predicted(begin: datetime, days: int, each: int, seed: int = 0) -> list[Predicted]:
    """`each` predictions a day."""
    rng = np.random.default_rng(seed)
    times = [begin + timedelta(days=day, minutes=n + 1) for day in range(days) for n in range(each)]
    loads = rng.normal(size=len(times))
    scores = 1 / (1 + np.exp(1.5 - 1.5 * loads))
    return [
        Predicted(f"{seed}-{n}", at, float(loads[n]), float(scores[n]))
        for n, at in enumerate(times)
    ]


def truths(made: Sequence[Predicted], delay: timedelta, flip: bool = False) -> list[Labelled]:
    """What they turned out to be, or the opposite of it, after a delay."""
    rng = np.random.default_rng(1)
    drawn = [int(rng.random() < each.score) ^ flip for each in made]
    return [
        Labelled(each.id, value, each.at + delay) for each, value in zip(made, drawn, strict=True)
    ]


FIRST = datetime(2024, 7, 6, tzinfo=UTC)  # windows of ten days begin here


def daily(watched: Watched, events: Sequence[Predicted | Labelled], days: int) -> list[Any]:
    """Each day what came that day reaches the log, and one looks: the windows after each day."""
    ordered = sorted(events, key=lambda event: event.at)
    seen, sent = [], 0
    for day in range(1, days + 1):
        now = FIRST + timedelta(days=day)
        upto = next((n for n, e in enumerate(ordered) if e.at > now), len(ordered))
        watched._log(ordered[sent:upto])
        sent = upto
        look(watched.workspace, watched.version, now)
        seen.append((day, watched.stored()))
    return seen


@pytest.mark.parametrize(("delay", "share", "day"), [(10, 0.9, 19), (7, 0.9, 16), (30, 0.5, 35)])
def test_inverted_labels_alarm_in_the_first_window_that_can_be_judged(
    watch: Callable[..., Watched], delay: int, share: float, day: int
) -> None:
    late = timedelta(days=delay)
    watched = watch(Settings(share, timedelta(days=delay), 50))
    made = predicted(FIRST, 10, 20)
    seen = daily(watched, [*made, *truths(made, late, flip=True)], day)
    first = next(
        (at, windows[0].figures["share"]) for at, windows in seen if windows and windows[0].alarm
    )
    assert first == (day, share)
    assert [windows for _, windows in seen[:9]] == [[]] * 9
    waiting = seen[day - 2][1][0]
    assert (waiting.judged, waiting.alarm) == (False, False)
    assert f"judged from {100 * share:g} % on, or at" in waiting.verdict


def test_labels_that_never_come_are_not_waited_for_longer_than_declared(
    watch: Callable[..., Watched],
) -> None:
    watched = watch(Settings(0.9, timedelta(days=5), 50))
    made = predicted(FIRST, 10, 20)
    seen = daily(watched, [*made, *truths(made[:80], timedelta(days=1), flip=True)], 16)
    assert [bool(windows and windows[0].judged) for _, windows in seen] == [False] * 14 + [True] * 2
    window = seen[-1][1][0]
    assert window.alarm
    assert "labels for 80 of 200 predictions (40 %)" in window.figures["reason"]


def test_a_verdict_is_given_anew_when_labels_are_corrected(watch: Callable[..., Watched]) -> None:
    watched = watch(Settings(0.9, timedelta(days=5), 50))
    made = predicted(FIRST, 10, 20)
    daily(watched, [*made, *truths(made, timedelta(days=1), flip=True)], 12)
    assert watched.stored()[0].alarm
    watched._log(truths(made, timedelta(days=12)))
    now = FIRST + timedelta(days=40)
    look(watched.workspace, watched.version, now)
    assert (watched.stored()[0].verdict, watched.stored()[0].at) == ("quiet", now)
    assert watched.workspace.state.monitoring.pending_alarms("pumps") == []


def test_stored_labels_that_are_none_are_left_out_and_named(watch: Callable[..., Watched]) -> None:
    watched = watch(Settings(0.9, timedelta(days=5), 50))
    made = predicted(FIRST, 10, 20)
    watched._log([*made, *truths(made, timedelta(days=1))])
    late = FIRST + timedelta(days=15)
    watched._log([Labelled(made[3].id, "maybe", late), Labelled(made[4].id, float("nan"), late)])
    look(watched.workspace, watched.version, FIRST + timedelta(days=20))
    window = watched.stored()[0]
    assert (window.figures["labelled"], window.figures["wrong"]) == (198, 2)
    assert (
        "left out as no labels of this task: 0-3 ('maybe'), 0-4 (nan)" in window.figures["reason"]
    )


def test_a_window_whose_predictions_the_log_forgot_keeps_its_verdict(
    watch: Callable[..., Watched],
) -> None:
    watched = watch(Settings(0.9, timedelta(days=5), 50))
    made = predicted(FIRST, 10, 20)
    watched._log([*made, *truths(made, timedelta(days=1))])
    look(watched.workspace, watched.version, FIRST + timedelta(days=20))
    before = watched.stored()
    watched.used.log.close()
    shutil.rmtree(watched.used.log.folder)
    watched._log(made[:60])
    assert look(watched.workspace, watched.version, FIRST + timedelta(days=30)) == ()
    assert watched.stored() == before


def test_the_share_of_labels_and_the_verdict_reach_prometheus(
    watch: Callable[..., Watched],
) -> None:
    watched = watch(Settings(0.9, timedelta(days=5), 50))
    made = predicted(FIRST, 20, 20)
    watched._log([*made, *truths(made[:200], timedelta(days=1)), *truths(made[200:220], DAY)])
    look(watched.workspace, watched.version, FIRST + timedelta(days=21))
    text = (watched.used.place.home / "metrics" / "pumps.quality.prom").read_text()
    families = {f.name: f for f in text_string_to_metric_families(text)}
    assert set(families) == {metric.name for metric in QUALITY}
    values = {name: family.samples[0].value for name, family in families.items()}
    assert values["mizzen_quality_share"] == 1
    assert values["mizzen_quality_newest_share"] == 0.1
    assert values["mizzen_quality_judged"] == 1
    look(watched.workspace, watched.version, FIRST + timedelta(days=26))
    text = (watched.used.place.home / "metrics" / "pumps.quality.prom").read_text()
    assert 'mizzen_quality_judged{project="pumps",version="3"} 0.0' in text
