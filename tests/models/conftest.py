"""A small project, and the steps from rows to a registered version, run as a runner runs them."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters import bundle
from mizzen.adapters.files.model_folder import write_manifest
from mizzen.adapters.tables import read_table, write_table
from mizzen.core.encoding import Encoder, fit_category, fit_number
from mizzen.core.labels import label_numbers
from mizzen.core.manifest import Manifest
from mizzen.core.place import Place
from mizzen.ports.framework import Framework, TrainingJob
from mizzen.spec.profile import Profile
from mizzen.spec.project import ProjectSpec
from mizzen.spec.training import Trainer
from mizzen_components import baseline, evaluate, predict, preprocess, register, train
from mizzen_tests.mlflow_server import mlflow_serving

MODEL = '''"""A torch model."""
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(n, 4) for n in inputs.categories])
        width = inputs.numbers + 4 * len(inputs.categories)
        self.layers = nn.Sequential(
            nn.Linear(width, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, inputs.outputs)
        )

    def forward(self, numbers, codes):
        embedded = [layer(codes[:, i]) for i, layer in enumerate(self.embeddings)]
        return self.layers(torch.cat([numbers, *embedded], 1))


def build(inputs):
    return Net(inputs)
'''


def a_place(home: Path, **profile: Any) -> Place:
    """A place named after the project."""
    known = {"apiVersion": "mizzen.dev/v1", "kind": "Profile", **profile}
    return Place("rides", home, Profile.model_validate(known))


def rides(rows: int = 2000, seed: int = 0, noise: float = 1.0) -> pd.DataFrame:
    """Rides that come late (binary), how late (regression), how bad that is (three classes);
    one column with nulls, one category."""
    rng = np.random.default_rng(seed)
    distance, wind = rng.normal(10, 3, rows), rng.normal(0, 1, rows)
    city = rng.choice(["Oslo", "Rome", "Lima"], rows)
    delay = 0.5 * (distance - 10) + wind + 2.0 * (city == "Rome") + noise * rng.normal(size=rows)
    return pd.DataFrame(
        {
            "ride": np.arange(rows),
            "distance": distance,
            "wind": np.where(rng.random(rows) < 0.1, np.nan, wind),
            "city": city,
            "late": (delay > 0.5).astype(int),
            "delay": 100 + 10 * delay,
            "grade": np.array(["fine", "poor", "bad"])[np.digitize(delay, [0, 2])],
        }
    )


LABELS = {"binary": "late", "regression": "delay", "multiclass": "grade"}
METRICS = {"binary": ["roc_auc", "log_loss"], "regression": ["rmse"], "multiclass": ["accuracy"]}


def description(task: str = "binary", **changes: Any) -> dict[str, Any]:
    """`mizzen.yaml` as a document."""
    columns = [{"name": "distance"}, {"name": "wind"}, {"name": "city", "kind": "category"}]
    document = {
        "apiVersion": "mizzen.dev/v1",
        "kind": "Project",
        "name": "rides",
        "task": task,
        "data": {"source": {"path": "rides.csv"}, "key": ["ride"]},
        "features": {"columns": columns},
        "label": {"column": LABELS[task]},
        "split": {"by": "key", "test": 0.3},
        "trainer": {"kind": "lightgbm", "seed": 3, "parameters": {"num_iterations": 30}},
        "evaluation": {"metrics": METRICS[task], "slices": ["city"], "resamples": 200},
    }
    return {**document, **changes}


TORCH = {"kind": "torch", "model": "model:build", "parameters": {"epochs": 3, "lr": 0.01}}


@dataclass
class StepHarness:
    """One project on its way; every step leaves its outputs in `folder`."""

    place: Place
    folder: Path
    document: dict[str, Any]
    code: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def new(self, name: str) -> Path:
        """A path that no step has used yet."""
        self.counts[name] = self.counts.get(name, 0) + 1
        return self.folder / f"{name}-{self.counts[name]}"

    def pack(self, **files: str) -> str:
        """The project's code as a bundle."""
        source = self.new("source")
        source.mkdir(parents=True)
        for name, text in {"model": MODEL, **files}.items():
            (source / f"{name}.py").write_text(text)
        self.code = bundle.pack(source, bundle.store_of(self.place))
        return self.code

    def split(self, frame: pd.DataFrame) -> None:
        """Rows to train on, rows to measure on, and the encoder."""
        write_table(frame, self.folder / "frame.parquet")
        sections = {n: self.document[n] for n in ("task", "data", "features", "label", "split")}
        preprocess.run(
            frame=self.folder / "frame.parquet",
            **sections,
            end="",
            train=self.folder / "train.parquet",
            test=self.folder / "test.parquet",
            encoder=self.folder / "encoder.json",
        )

    def train(self, **trainer: Any) -> Path:
        """A model folder."""
        model = self.new("model")
        sections = {n: self.document[n] for n in ("task", "features", "label")}
        train.run(
            train=self.folder / "train.parquet",
            encoder=self.folder / "encoder.json",
            code=self.code,
            **sections,
            trainer={**self.document["trainer"], **trainer},
            model=model,
        )
        return model

    def evaluate(
        self, model: Path, champion: str = "", **changes: Any
    ) -> tuple[evaluate.EvaluateFigures, Path]:
        """The figures and the folder of an evaluation."""
        folder = self.new("evaluation")
        figures = evaluate.run(
            model=model,
            test=self.folder / "test.parquet",
            champion=champion,
            code=self.code,
            project={**self.document, **changes},
            evaluation=folder,
        )
        return figures, folder

    def register(self, model: Path, evaluation: Path, **changes: Any) -> int:
        """The number of the registered version."""
        validation = self.folder / "validation"
        validation.mkdir(exist_ok=True)
        (validation / "result.json").write_text('{"checks": [{"success": true}], "success": true}')
        sections = {n: self.document[n] for n in ("features", "label", "data", "task")}
        baseline.run(
            train=self.folder / "train.parquet",
            **sections,
            monitoring={},
            baseline=self.folder / "baseline.json",
        )
        return register.run(
            model=model,
            evaluation=evaluation,
            baseline=self.folder / "baseline.json",
            validation=validation,
            code=self.code,
            project={**self.document, **changes},
            data_version="d" * 32,
            feature_version="f" * 16,
            git_commit="",
            git_dirty=False,
            package=self.folder / "package",
        ).version

    def predict(self, frame: pd.DataFrame, version: int) -> pd.DataFrame:
        """Answers of a registered version."""
        source, target = self.new("frame"), self.new("predictions")
        write_table(frame, source)
        predict.run(frame=source, model_version=version, project=self.document, predictions=target)
        return read_table(target)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's empty tables; making them takes seconds, copying them does not."""
    from mizzen.adapters.mlflow.connection import connect

    home = tmp_path_factory.mktemp("mlflow")
    connect(a_place(home))
    return home / "mlflow.db"


@pytest.fixture
def home(tmp_path: Path, database: Path) -> Path:
    """A home whose path has a space, as homes of users do."""
    folder = tmp_path / "my project" / ".mizzen"
    folder.mkdir(parents=True)
    shutil.copyfile(database, folder / "mlflow.db")
    return folder


@pytest.fixture
def place(home: Path) -> Place:
    return a_place(home)


@pytest.fixture(scope="session")
def mlflow_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps artifacts."""
    return tmp_path_factory.mktemp("server") / "artifacts"


@pytest.fixture(scope="session")
def mlflow_server(database: Path, mlflow_files: Path) -> Iterator[str]:
    """The address of a real server that hands out artifacts itself."""
    folder = mlflow_files.parent
    shutil.copyfile(database, folder / "server.db")
    with mlflow_serving(folder) as address:
        yield address


@pytest.fixture
def remote(mlflow_server: str, tmp_path: Path) -> Place:
    """A place whose profile names the server; the project is the test's own."""
    own = f"rides-{secrets.token_hex(4)}"
    return replace(a_place(tmp_path / "home", tracking={"uri": mlflow_server}), project=own)


@pytest.fixture
def harness(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., StepHarness]:
    """Makes a harness whose rows are divided and whose code is packed."""
    for name, value in place.to_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MIZZEN_RUN_ID", "run-1")

    def make(frame: pd.DataFrame | None = None, **changes: Any) -> StepHarness:
        made = StepHarness(place, place.home.parent / "steps", description(**changes))
        made.folder.mkdir(exist_ok=True)
        made.pack()
        made.split(rides() if frame is None else frame)
        return made

    return make


@pytest.fixture
def job(place: Place, tmp_path: Path) -> Callable[..., TrainingJob]:
    """Makes a training job, without any step."""

    def make(trainer: dict[str, Any], task: str = "binary", model: str = MODEL) -> TrainingJob:
        frame = rides(1200)
        code, work = tmp_path / "code", tmp_path / "work"
        code.mkdir(exist_ok=True)
        work.mkdir(exist_ok=True)
        (code / "model.py").write_text(model)
        classes = {"binary": ("0", "1"), "multiclass": ("bad", "fine", "poor"), "regression": ()}
        encoder = Encoder(
            (fit_number("distance", frame["distance"]), fit_number("wind", frame["wind"])),
            (fit_category("city", frame["city"].to_numpy()),),
            classes[task],
        )
        labels = label_numbers(frame[LABELS[task]].to_numpy(), task, encoder.classes)
        columns = {name: frame[name].to_numpy() for name in encoder.columns}
        rows = encoder.encode(columns)
        return TrainingJob(task, Trainer(**trainer), encoder, rows, labels, code, work)

    return make


def describe_fitted(job: TrainingJob, folder: Path) -> None:
    """What the train step adds to a framework's files."""
    names = sorted(path.name for path in folder.iterdir())
    manifest = Manifest(
        framework=job.trainer.kind,
        task=job.task,
        model=job.trainer.model or job.trainer.function,
        files=dict.fromkeys(names, ""),
    )
    write_manifest(folder, manifest, job.encoder)


def answers_of(framework: Framework, made: TrainingJob, folder: Path) -> Any:
    """What a model that was just fitted into `folder` answers for its own rows."""
    framework.fit(made, folder)
    describe_fitted(made, folder)
    return framework.load(folder, made.code, {}).predict(made.rows)


def read_json(file: Path) -> Any:
    """A JSON document of an evaluation or a package."""
    return json.loads(file.read_text(encoding="utf-8"))


Make = Callable[..., StepHarness]


def spec_of(document: dict[str, Any]) -> ProjectSpec:
    """A description, validated."""
    return ProjectSpec.model_validate(document)
