"""A fitted torch model that answers: the user's build function and safetensors, no pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mizzen.adapters.bundle import seeded
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.torch.network import Target, build, inputs_of, outputs_of, transform
from mizzen.adapters.torch.train import WEIGHTS
from mizzen.core.encoding import Encoded, Encoder
from mizzen.errors import IntegrityError
from mizzen.ports.framework import Floats

CHUNK = 65_536  # rows in memory at once


@dataclass(frozen=True, slots=True)
class TorchPredictor:
    """Thread-safe: inference mode, and no state between calls."""

    module: nn.Module
    task: str
    encoder: Encoder
    target: Target
    device: torch.device

    def predict(self, rows: Encoded) -> Floats:
        """See `mizzen.ports.framework.Predictor`."""
        parts = [self._chunk(rows[i : i + CHUNK]) for i in range(0, max(1, len(rows)), CHUNK)]
        return np.concatenate(parts)

    def _chunk(self, rows: Encoded) -> Floats:
        with torch.inference_mode():
            numbers, codes = (part.to(self.device) for part in inputs_of(self.encoder, rows))
            answer = outputs_of(self.module, numbers, codes, self.encoder.shape())
            mean, scale = self.target.tensors(self.device)
            result: Floats = transform(self.task, mean, scale, answer).cpu().numpy()
        return result


def load_predictor(folder: Path, code: Path, options: dict[str, Any]) -> TorchPredictor:
    """The model of `folder`; options: `threads`, `device` (`cpu`, `cuda`; default `cpu`),
    `seed` (of what `build` draws; 0).

    Raises:
        IntegrityError: the weights cannot be read, or do not fit the user's module.
    """
    manifest, encoder = read_manifest(folder)
    if "threads" in options:
        torch.set_num_threads(int(options["threads"]))
    weights, target = read_weights(folder / WEIGHTS)
    with seeded(options):
        module = build(code, manifest.model or "", encoder.shape())
    try:
        module.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise IntegrityError(
            "the weights do not fit the project's model",
            given=str(error).splitlines()[0],
            next_step="train again: the build function has changed since",
        ) from None
    device = torch.device(str(options.get("device", "cpu")))
    module = module.to(device).eval().requires_grad_(False)
    return TorchPredictor(module, manifest.task, encoder, target, device)


def read_weights(file: Path) -> tuple[dict[str, Tensor], Target]:
    """Tensors by name, and the scaling of a regression's label."""
    try:
        with safe_open(file, framework="pt") as content:
            weights = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
            header = content.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise IntegrityError(f"{file} holds no weights", given=error) from None
    return weights, Target(*json.loads(header.get("target", "[0.0, 1.0, 1.0]")))
