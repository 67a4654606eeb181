"""How well the flights are predicted: January to May learnt, June asked, as the demo does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.backends import load_backend
from mizzen.adapters.feast.source import FeastSource
from mizzen.adapters.files.model_folder import write_manifest
from mizzen.core.encoding import Columns, Encoded, Encoder, fit_category, fit_number
from mizzen.core.manifest import Manifest
from mizzen.core.place import Place
from mizzen.ports.framework import TrainingJob
from mizzen.spec import ProjectSpec
from mizzen.spec.profile import Profile
from mizzen.spec.training import Trainer

from .conftest import FLIGHTS

Tables = dict[str, pd.DataFrame]
REFERENCE = {"num_leaves": 63, "learning_rate": 0.05, "num_iterations": 300}
JUNE, JULY = pd.Timestamp("2013-06-01", tz="UTC"), pd.Timestamp("2013-07-01", tz="UTC")


@dataclass
class Halves:
    """Encoded rows and labels of both sides of the split."""

    encoder: Encoder
    train: Encoded
    test: Encoded
    train_labels: Any
    test_labels: Any


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    return Place("flights", tmp_path_factory.mktemp("home"), profile)


@pytest.fixture(scope="module")
def halves(
    flights: Tables,
    flights_project: ProjectSpec,
    flights_view: Callable[[str, Tables], pd.DataFrame],
    place: Place,
) -> Halves:
    views = flights_project.features.used_views
    rows = flights["flights"]
    rows = rows[(rows["predicted_at"] < JULY) & rows["late"].notna()]
    source = FeastSource(place)
    source.apply(views, {view.name: flights_view(view.name, flights) for view in views})
    frame = source.training_frame(rows, "predicted_at", views)
    train, test = frame[frame["predicted_at"] < JUNE], frame[frame["predicted_at"] >= JUNE]
    encoder = fitted(flights_project, columns(flights_project, train))
    return Halves(
        encoder,
        encoder.encode(columns(flights_project, train)),
        encoder.encode(columns(flights_project, test)),
        train["late"].to_numpy(dtype=float),
        test["late"].to_numpy(dtype=float),
    )


def columns(project: ProjectSpec, frame: pd.DataFrame) -> Columns:
    return {c.name: frame[c.name].to_numpy() for c in project.features.inputs}


def fitted(project: ProjectSpec, train: Columns) -> Encoder:
    inputs = project.features.inputs
    numbers = [fit_number(c.name, train[c.name]) for c in inputs if c.kind == "number"]
    categories = [fit_category(c.name, train[c.name]) for c in inputs if c.kind == "category"]
    return Encoder(tuple(numbers), tuple(categories))


def auc_of(place: Place, halves: Halves, trainer: Trainer, folder: Path) -> float:
    from sklearn.metrics import roc_auc_score

    framework = load_backend("framework", trainer.kind)(place)
    work = folder / "work"
    work.mkdir(parents=True)
    job = TrainingJob(
        "binary", trainer, halves.encoder, halves.train, halves.train_labels, FLIGHTS, work
    )
    done = framework.fit(job, folder)
    manifest = Manifest(trainer.kind, "binary", trainer.model, {}, {}, done.weights_hash)
    write_manifest(folder, manifest, halves.encoder)
    scores = framework.load(folder, FLIGHTS, {"threads": 2}).predict(halves.test)
    assert np.isfinite(scores).all()
    return float(roc_auc_score(halves.test_labels, scores))


@pytest.mark.slow
def test_the_network_comes_within_a_hundredth_of_boosted_trees(
    place: Place, halves: Halves, flights_project: ProjectSpec, tmp_path: Path
) -> None:
    trees = Trainer.model_validate({"kind": "lightgbm", "parameters": REFERENCE})
    reference = auc_of(place, halves, trees, tmp_path / "trees")
    network = auc_of(place, halves, flights_project.trainer, tmp_path / "network")
    assert reference > 0.769
    assert network > reference - 0.01
