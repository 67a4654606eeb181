"""The `onnx` framework: answers with onnxruntime; it fits nothing."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.core.encoding import Encoded, Encoder
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, Unsupported
from mizzen.ports.framework import FitResult, Floats, Framework, TrainingJob

MODEL = "model.onnx"


class OnnxFramework(Framework):
    """Loads what `mizzen.adapters.onnx.export` wrote."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def fit(self, job: TrainingJob, folder: Path) -> FitResult:
        """Never: ONNX models come from an export."""
        raise Unsupported(
            "onnx trains nothing", allowed="torch, lightgbm, python", next_step="export a model"
        )

    def load(self, folder: Path, code: Path | None, options: dict[str, Any]) -> OnnxPredictor:
        """A predictor; neither torch nor the project's code is needed. Options: `threads`."""
        _, encoder = read_manifest(folder)
        return OnnxPredictor(open_session(folder / MODEL, options), encoder)


@dataclass(frozen=True, slots=True)
class OnnxPredictor:
    """Thread-safe, as onnxruntime's sessions are."""

    session: onnxruntime.InferenceSession
    encoder: Encoder

    def predict(self, rows: Encoded) -> Floats:
        """See `mizzen.ports.framework.Predictor`."""
        given = {"numbers": self.encoder.dense(rows), "codes": rows.codes}
        # the exporter drops an input that the model does not use
        used = {entry.name: given[entry.name] for entry in self.session.get_inputs()}
        return np.asarray(self.session.run(None, used)[0], dtype=np.float64)


def open_session(file: Path, options: dict[str, Any]) -> onnxruntime.InferenceSession:
    """A session on the CPU with a fixed number of threads (1 by default)."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = int(options.get("threads", 1))
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            file.read_bytes(), settings, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # noqa: BLE001 (its errors have no public common type)
        raise IntegrityError(f"{file} holds no ONNX model", given=error) from None


def libraries() -> dict[str, str]:
    """Exact versions of what an ONNX model needs to answer."""
    return {"onnxruntime": importlib.metadata.version("onnxruntime")}
