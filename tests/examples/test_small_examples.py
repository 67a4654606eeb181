"""The examples without event times: digits (torch, images) and diabetes (LightGBM), from rows to
a registered version that answers. Their quality is a promise of their READMEs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mizzen.adapters import bundle
from mizzen.adapters.tables import read_table, write_table
from mizzen.core.place import Place
from mizzen.spec import load_project
from mizzen.spec.profile import Profile
from mizzen_components import evaluate, predict, preprocess, register, train

EXAMPLES = Path(__file__).parents[2] / "pipelines" / "examples"
PLACE = {"apiVersion": "mizzen.dev/v1", "kind": "Profile"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place("examples", tmp_path / ".mizzen", Profile.model_validate(PLACE))
    for name, value in made.to_environment().items():
        monkeypatch.setenv(name, value)
    return made


@pytest.mark.slow
@pytest.mark.parametrize(("name", "best", "worst"), [("digits", 1.0, 0.95), ("diabetes", 50, 62)])
def test_an_example_trains_passes_its_gate_registers_and_answers(
    name: str, best: float, worst: float, place: Place, tmp_path: Path
) -> None:
    spec = load_project(EXAMPLES / name)
    project: dict[str, Any] = spec.model_dump(mode="json", by_alias=True)
    code = bundle.pack(EXAMPLES / name, bundle.store_of(place))
    rows = bundle.load_function(EXAMPLES / name, "data:load")()
    write_table(rows, tmp_path / "frame.parquet")
    sections = {key: project[key] for key in ("task", "data", "features", "label")}
    preprocess.run(
        frame=tmp_path / "frame.parquet",
        **sections,
        split=project["split"],
        end="",
        train=tmp_path / "train.parquet",
        test=tmp_path / "test.parquet",
        encoder=tmp_path / "encoder.json",
    )
    train.run(
        train=tmp_path / "train.parquet",
        encoder=tmp_path / "encoder.json",
        code=code,
        **{key: project[key] for key in ("task", "features", "label", "trainer")},
        model=tmp_path / "model",
    )
    figures = evaluate.run(
        model=tmp_path / "model",
        test=tmp_path / "test.parquet",
        champion="",
        code=code,
        project=project,
        evaluation=tmp_path / "evaluation",
    )
    assert figures.blessed, figures.reason
    assert min(best, worst) <= figures.value <= max(best, worst)
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation" / "result.json").write_text(json.dumps({"checks": []}))
    (tmp_path / "baseline.json").write_text("{}")
    version = register.run(
        model=tmp_path / "model",
        evaluation=tmp_path / "evaluation",
        baseline=tmp_path / "baseline.json",
        validation=tmp_path / "validation",
        code=code,
        project=project,
        data_version="",
        feature_version="",
        git_commit="",
        git_dirty=False,
        package=tmp_path / "package",
    ).version
    predict.run(
        frame=tmp_path / "frame.parquet",
        model_version=version,
        project=project,
        predictions=tmp_path / "predictions.parquet",
    )
    answers = read_table(tmp_path / "predictions.parquet")
    assert answers[spec.data.key[0]].tolist() == rows[spec.data.key[0]].tolist()
    assert answers["prediction"].notna().all()
