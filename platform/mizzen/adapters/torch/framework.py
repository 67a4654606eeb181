"""The `torch` framework. The table names it; train, evaluate and serving call it."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import torch  # noqa: F401 (a missing library is told by the table)

from mizzen.adapters.torch.group import train_in_group
from mizzen.adapters.torch.parameters import read_parameters
from mizzen.adapters.torch.predictor import TorchPredictor, load_predictor
from mizzen.adapters.torch.train import WEIGHTS, train
from mizzen.core.place import Place
from mizzen.errors import InvalidProject, Unsupported
from mizzen.ports.framework import FitResult, Framework, TrainingJob


class TorchFramework(Framework):
    """Fits the module that a project builds; see `network` for what it must take and return."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def fit(self, job: TrainingJob, folder: Path) -> FitResult:
        """Fit in this process, or in `processes_per_node` of them.

        Raises:
            InvalidProject: an unknown parameter, or a module of the wrong shape.
            Unsupported: several nodes.
            StepFailed: the loss is not finite, or a process died.
        """
        read_parameters(job.trainer.parameters)
        resources = job.trainer.resources
        if resources.nodes > 1:
            raise Unsupported(
                "one machine cannot train on several nodes",
                given=f"trainer.resources.nodes: {resources.nodes}",
                allowed="1",
                next_step="use processes_per_node, or a profile whose runner is a cluster",
            )
        alone = resources.processes_per_node == 1
        digest, figures = train(job, folder) if alone else train_in_group(job, folder)
        return FitResult((WEIGHTS,), digest, figures, libraries())

    def load(self, folder: Path, code: Path | None, options: dict[str, Any]) -> TorchPredictor:
        """A predictor; `code` holds the project's build function."""
        if code is None:
            raise InvalidProject(
                "a torch model needs the project's code", next_step="give the unpacked bundle"
            )
        return load_predictor(folder, code, options)

    def export_onnx(self, folder: Path, code: Path, into: Path) -> None:
        """Write the model as ONNX; `mizzen.adapters.onnx` checks and packages it."""
        from mizzen.adapters.torch.export import export

        export(load_predictor(folder, code, {}), into)


def libraries() -> dict[str, str]:
    """Exact versions of what a torch model needs."""
    return {name: importlib.metadata.version(name) for name in ("torch", "safetensors")}
