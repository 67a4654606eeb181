"""A small project in use: training rows, a package as `register` writes it, a prediction log."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.files.model_folder import write_manifest
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.adapters.tables import write_table
from mizzen.control.workspace import Workspace
from mizzen.core.encoding import Encoder, fit_category, fit_number
from mizzen.core.manifest import Manifest
from mizzen.core.metrics import find_metric
from mizzen.core.place import Place
from mizzen.core.runs import RunState
from mizzen.ports.prediction_log import Prediction, TrueLabel
from mizzen.spec import Profile, ProjectSpec
from mizzen.spec.operation import Retraining
from mizzen.state.records import Evaluation, RunRecord
from mizzen_components import baseline as baseline_step

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def project_of(**sections: Any) -> ProjectSpec:
    """A binary project with two numbers and a category."""
    document = {
        "apiVersion": "mizzen.dev/v1",
        "kind": "Project",
        "name": "pumps",
        "task": "binary",
        "data": {"source": {"path": "x.csv"}, "key": ["id"], "event_time": "at"},
        "features": {
            "columns": [
                {"name": "load"},
                {"name": "heat"},
                {"name": "kind", "kind": "category"},
            ]
        },
        "label": {"column": "broke"},
        "split": {"by": "time", "test": "30d"},
        "trainer": {"kind": "lightgbm"},
        "evaluation": {"metrics": ["roc_auc"], "resamples": 200},
        "monitoring": {"window": "30d", "min_rows": 200},
    }
    return ProjectSpec.model_validate(document | sections)


def rows_of(rng: np.random.Generator, rows: int, start: datetime, days: float) -> pd.DataFrame:
    """Rows without drift: `broke` follows `load`; `heat` is sometimes null."""
    load = rng.normal(size=rows)
    heat = rng.exponential(size=rows)
    heat[rng.random(rows) < 0.05] = np.nan
    seconds = np.sort(rng.random(rows)) * days * 86_400
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "at": pd.Timestamp(start) + pd.to_timedelta(seconds.round(3), unit="s"),
            "load": load,
            "heat": heat,
            "kind": rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]),
            "broke": (rng.random(rows) < scores_of(load)).astype("int64"),
        }
    )


def scores_of(load: Any) -> Any:
    """What the model of these tests answers: it knows the truth."""
    return 1 / (1 + np.exp(1.5 - 1.5 * np.asarray(load, dtype=float)))


@dataclass
class InUse:
    """A registered model and the log of its predictions."""

    project: ProjectSpec
    place: Place
    package: Path
    log: SegmentLog
    sent: int = field(default=0)

    def predict(self, frame: pd.DataFrame, version: int = 3) -> list[str]:
        """Log an answer for each row; returns the prediction ids."""
        inputs = [column.name for column in self.project.features.inputs]
        answers = scores_of(frame["load"])
        logged = []
        for record, score in zip(frame.to_dict("records"), answers, strict=True):
            features = {n: None if record[n] != record[n] else record[n] for n in inputs}
            name, self.sent = f"p{self.sent}", self.sent + 1
            at = record["at"].to_pydatetime()
            key = {"id": record["id"]}
            logged.append(
                Prediction(name, at, "pumps", version, key, features, float(score), START)
            )
        self.log.append(logged)
        return [p.id for p in logged]

    def label(self, ids: list[str], values: Any) -> None:
        """Tell what predictions turned out to be."""
        told = [
            TrueLabel(name, value, START)
            for name, value in zip(ids, np.asarray(values).tolist(), strict=True)
        ]
        self.log.label(told)


@pytest.fixture
def in_use(tmp_path: Path) -> InUse:
    """Trained on 150 days of 4,000 rows, evaluated on the 30 days that follow."""
    return make_in_use(tmp_path, project_of())


@pytest.fixture
def use(tmp_path: Path) -> Callable[[ProjectSpec], InUse]:
    """The same for another project."""
    return lambda project: make_in_use(tmp_path, project)


def make_in_use(folder: Path, project: ProjectSpec) -> InUse:
    """See the fixtures."""
    rng = np.random.default_rng(1)
    train = rows_of(rng, 4000, START, 150)
    test = rows_of(rng, 800, START + 150 * DAY, 30)
    package = folder / "package"
    (package / "evaluation").mkdir(parents=True)
    write_table(train, folder / "train.parquet")
    sections = project.model_dump(mode="json", by_alias=True)
    named = {name: sections[name] for name in ("features", "label", "data", "monitoring", "task")}
    baseline_step.run(train=folder / "train.parquet", baseline=package / "baseline.json", **named)
    (package / "project.json").write_text(json.dumps(sections))
    encoder = Encoder(
        tuple(fit_number(name, train[name].to_numpy()) for name in ("load", "heat")),
        (fit_category("kind", train["kind"].to_numpy()),),
        ("0", "1"),
    )
    write_manifest(package, Manifest("lightgbm", "binary"), encoder)
    answers = scores_of(test["load"])
    write_table(
        test[["id", "at", "broke"]].assign(probability=answers),
        package / "evaluation" / "predictions.parquet",
    )
    value = find_metric("roc_auc", "binary").value(test["broke"].to_numpy(float), answers)
    measured = {"primary": "roc_auc", "metrics": {"roc_auc": {"value": value}}}
    (package / "evaluation" / "metrics.json").write_text(json.dumps(measured))
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    place = Place(project.name, folder / "home", profile)
    return InUse(project, place, package, SegmentLog(place))


@pytest.fixture
def watched(in_use: InUse) -> Workspace:
    """The same as a project whose champion, version 3, lies fetched in its home; nothing retrains
    it."""
    from mizzen.adapters.mlflow.connection import uri_of
    from mizzen.adapters.mlflow.package import digest_of

    place = in_use.place
    folder = place.home / "packages" / "pumps" / "3"
    shutil.copytree(in_use.package, folder)
    note = {"package": digest_of(folder), "uri": uri_of(place)}
    folder.with_suffix(".json").write_text(json.dumps(note))
    spec = in_use.project.model_copy(update={"retraining": Retraining(triggers=())})
    workspace = Workspace(in_use.package, "local", spec, place)
    verdict = Evaluation("roc_auc", 0.8, None, True, "why")
    run = replace(a_run("trained"), evaluation=verdict)
    workspace.state.runs.add(run, str(in_use.package))
    for number in (1, 3):
        workspace.state.models.register("pumps", run.id, number)
        workspace.state.models.promote("pumps", number)
    return workspace


def a_run(name: str, state: RunState = RunState.SUCCEEDED) -> RunRecord:
    """A run of the project, as the state keeps it."""
    fields: dict[str, Any] = dict.fromkeys(("plan", "code"), "0" * 64)
    return RunRecord(
        name,
        "pumps",
        "training",
        name,
        state,
        "drift",
        {},
        folder="gone",
        created_at=START,
        **fields,
    )
