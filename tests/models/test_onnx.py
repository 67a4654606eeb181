"""Torch models as ONNX: accepted only when both answer alike, served without torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mizzen.adapters.onnx.export import export_onnx
from mizzen.adapters.onnx.framework import OnnxFramework
from mizzen.adapters.torch.framework import TorchFramework
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, Unsupported
from mizzen.ports.framework import TrainingJob

from .conftest import MODEL, TORCH, Make, describe_fitted

Job = Callable[..., TrainingJob]


def fitted(place: Place, job: TrainingJob, folder: Path) -> Path:
    folder.mkdir()
    TorchFramework(place).fit(job, folder)
    describe_fitted(job, folder)
    return folder


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_an_exported_model_answers_like_the_original_for_any_number_of_rows(
    place: Place, job: Job, tmp_path: Path, task: str
) -> None:
    made = job(TORCH, task)
    model = fitted(place, made, tmp_path / "model")
    likeness = export_onnx(place, model, made.code, tmp_path / "onnx")
    assert likeness.difference < 1e-5
    wanted = TorchFramework(place).load(model, made.code, {}).predict(made.rows)
    answers = OnnxFramework(place).load(tmp_path / "onnx", None, {}).predict(made.rows)
    assert answers.shape == wanted.shape
    assert np.allclose(answers, wanted, rtol=1e-4, atol=1e-5)


def test_an_exported_model_is_served_without_torch(place: Place, job: Job, tmp_path: Path) -> None:
    made = job(TORCH)
    export_onnx(place, fitted(place, made, tmp_path / "model"), made.code, tmp_path / "onnx")
    script = f"""
import sys
sys.modules["torch"] = None  # importing it fails
from pathlib import Path
import numpy as np
from mizzen.adapters.onnx.framework import OnnxFramework
from mizzen.core.encoding import Encoded
model = OnnxFramework(None).load(Path({str(tmp_path / "onnx")!r}), None, {{}})
rows = Encoded(np.zeros((1, 2), np.float32), np.zeros((1, 1), np.int64))
print(model.predict(rows).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(1,)"


def test_a_model_that_looks_at_the_number_of_rows_is_not_exported(
    place: Place, job: Job, tmp_path: Path
) -> None:
    looks = "numbers = numbers * float(len(numbers) == 2)\n        return self"
    made = job(TORCH, model=MODEL.replace("return self", looks))
    model = fitted(place, made, tmp_path / "model")
    with pytest.raises(Unsupported, match=r"number of rows"):
        export_onnx(place, model, made.code, tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()


def test_a_model_that_answers_differently_is_not_written(
    place: Place, job: Job, tmp_path: Path
) -> None:
    # traced once: the random number of that moment is fixed in the graph
    dice = "numbers = numbers * float(torch.rand(()).item())\n        return self"
    made = job(TORCH, model=MODEL.replace("return self", dice))
    model = fitted(place, made, tmp_path / "model")
    with pytest.raises((IntegrityError, Unsupported)):
        export_onnx(place, model, made.code, tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()


def test_only_torch_models_are_exported(harness: Make, tmp_path: Path) -> None:
    made = harness()
    with pytest.raises(Unsupported, match=r"only torch"):
        export_onnx(made.place, made.train(), tmp_path, tmp_path / "onnx")
