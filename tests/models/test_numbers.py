"""Numbers keep what they say from rows to answers: sentinels, sizes, targets far from zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mizzen.adapters.backends import load_backend
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.onnx.export import export_onnx
from mizzen.adapters.onnx.framework import OnnxFramework
from mizzen.adapters.torch import export as torch_export
from mizzen.adapters.torch.framework import TorchFramework
from mizzen.core.encoding import Encoder, fit_number
from mizzen.core.manifest import MANIFEST
from mizzen.core.metrics import find_metric
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, InvalidData
from mizzen.ports.framework import TrainingJob
from mizzen.spec.training import Trainer

from .conftest import MODEL, TORCH, Make, answers_of, describe_fitted, rides

Job = Callable[..., TrainingJob]
OWN_RAW = """
import numpy as np

def fit(job):
    return {"weights": np.full(job.rows.raw.shape[1], 1e4)}

def load(kept):
    return lambda rows: np.nan_to_num(rows.raw) @ kept["weights"]
"""


def with_sentinel(sentinel: float, rows: int = 4000) -> tuple[Any, Any, Any]:
    """A feature of 0 to 1 that tells the label, a twentieth of it a sentinel that does too."""
    rng = np.random.default_rng(0)
    values = rng.random(rows)
    labels = (values > 0.5).astype(float)
    values[rng.random(rows) < 0.05] = sentinel
    labels[values == sentinel] = 1.0
    other = rng.random(rows)
    return values, other, labels


@pytest.mark.parametrize("sentinel", [999_999_999.0, -1e9, 1e308])
@pytest.mark.parametrize("kind", ["lightgbm", "torch"])
def test_one_sentinel_leaves_a_feature_all_its_digits(
    place: Place, tmp_path: Path, kind: str, sentinel: float
) -> None:
    values, other, labels = with_sentinel(sentinel)
    encoder = Encoder((fit_number("x", values), fit_number("y", other)), (), ("0", "1"))
    rows = encoder.encode({"x": values, "y": other})
    learning = {"epochs": 30, "lr": 0.02, "batch_size": 256}
    settings: dict[str, Any] = {
        "lightgbm": {"kind": "lightgbm"},
        "torch": {"kind": "torch", "model": "model:build", "parameters": learning},
    }
    (tmp_path / "model.py").write_text(MODEL.replace(", nn.Dropout(0.1)", ""))
    trainer = Trainer(**settings[kind])
    made = TrainingJob("binary", trainer, encoder, rows, labels, tmp_path, tmp_path)
    (tmp_path / "model").mkdir()
    answers = answers_of(load_backend("framework", kind)(place), made, tmp_path / "model")
    least = 0.999 if kind == "lightgbm" else 0.995
    assert find_metric("roc_auc", "binary").value(labels, answers) > least


def test_a_target_far_from_zero_keeps_its_digits_in_an_export(
    place: Place, job: Job, tmp_path: Path
) -> None:
    made = job({**TORCH, "parameters": {"epochs": 20, "lr": 0.02}}, "regression")
    made = replace(made, labels=made.labels + 1.7e9)
    model = tmp_path / "model"
    model.mkdir()
    wanted = answers_of(TorchFramework(place), made, model)
    export_onnx(place, model, made.code, tmp_path / "onnx")
    answers = OnnxFramework(place).load(tmp_path / "onnx", None, {}).predict(made.rows)
    rmse = find_metric("rmse", "regression").value
    assert rmse(made.labels, answers) == pytest.approx(rmse(made.labels, wanted), rel=1e-4)
    assert rmse(made.labels, answers) < 0.9 * made.labels.std()
    assert np.abs(answers - wanted).max() < 0.01


def test_an_export_that_loses_digits_of_the_target_is_refused(
    place: Place, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_float32(task: str, mean: Any, scale: Any, answer: Any) -> Any:
        return (answer.float() * scale.float() + mean.float()).double()

    made = job(TORCH, "regression")
    made = replace(made, labels=made.labels + 1.7e9)
    model = tmp_path / "model"
    model.mkdir()
    TorchFramework(place).fit(made, model)
    describe_fitted(made, model)
    monkeypatch.setattr(torch_export, "transform", in_float32)
    with pytest.raises(IntegrityError, match=r"of the residuals"):
        export_onnx(place, model, made.code, tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()


def test_batch_predictions_name_what_lies_outside_and_the_row_that_overflows(harness: Make) -> None:
    made = harness(task="regression", trainer={"kind": "python", "function": "own:fit"})
    made.pack(own=OWN_RAW)
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    frame = rides(20)
    frame.loc[3, "distance"] = 1e6
    frame.loc[3, "wind"] = -1e6
    answers = made.predict(frame, version)
    assert answers["outside"][3] == "distance, wind"
    assert answers["outside"].notna().sum() == 1
    frame.loc[7, "distance"] = 1e308
    with pytest.raises(InvalidData, match=r"'distance'(.|\n)*1e\+308 in row 8"):
        made.predict(frame, version)
    frame.loc[7, "distance"] = np.inf
    with pytest.raises(InvalidData, match=r"infinite in 1 of 20 rows"):
        made.predict(frame, version)


def test_a_model_of_an_older_reading_is_refused_with_the_command_that_repairs_it(
    harness: Make,
) -> None:
    model = harness().train()
    text = (model / MANIFEST).read_text()
    (model / MANIFEST).write_text(text.replace('"reading": ', '"reading": -'))
    with pytest.raises(IntegrityError, match=r"another reading(.|\n)*mizzen run"):
        read_manifest(model)


def test_rows_in_another_order_make_the_same_encoder(harness: Make) -> None:
    frame = rides(3000)
    frame["distance"] = 1.7e9 + frame["distance"] / 7
    made = harness(frame)
    first = (made.folder / "encoder.json").read_bytes()
    made.split(frame.sample(frac=1, random_state=1))
    assert (made.folder / "encoder.json").read_bytes() == first
