"""The user's module and what a task asks of it: loss in training, transform in prediction.

A project's `build(inputs: mizzen.core.encoding.Shape) -> torch.nn.Module` makes a module whose
`forward(numbers, codes)` takes float32 (rows, inputs.numbers) and int64 (rows,
len(inputs.categories)) and returns logits (binary), values (regression), both (rows,) or
(rows, 1), or logits (rows, inputs.outputs) (multiclass).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from mizzen.adapters.bundle import load_function
from mizzen.core.encoding import Encoded, Encoder, Shape
from mizzen.errors import InvalidProject

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Target:
    """A regression's label is learnt as `(label - mean) / scale`; other tasks keep (0, 1).
    `residual`: how far answers were from labels at the end of training (root mean square)."""

    mean: float = 0.0
    scale: float = 1.0
    residual: float = 1.0

    def tensors(self, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
        """Mean and scale, float64."""
        mean, scale = torch.tensor([self.mean, self.scale], dtype=torch.float64, device=device)
        return mean, scale


def build(code: Path, reference: str, shape: Shape) -> nn.Module:
    """The user's module, in float32 on the CPU.

    Raises:
        InvalidProject: the function does not return a module.
    """
    module = load_function(code, reference)(shape)
    if not isinstance(module, nn.Module):
        raise InvalidProject(
            f"{reference} must return a torch.nn.Module", given=type(module).__name__
        )
    return module


def inputs_of(encoder: Encoder, rows: Encoded) -> tuple[Tensor, Tensor]:
    """Dense numbers and codes as the module takes them."""
    return torch.from_numpy(encoder.dense(rows)), torch.from_numpy(rows.codes)


def outputs_of(module: nn.Module, numbers: Tensor, codes: Tensor, shape: Shape) -> Tensor:
    """The module's answer as (rows,) or, with several outputs, (rows, outputs); float32.

    Raises:
        InvalidProject: the answer has another shape.
    """
    answer: Tensor = module(numbers, codes)
    if shape.outputs == 1 and answer.shape == (len(numbers), 1):
        answer = answer[:, 0]
    wanted = (len(numbers),) if shape.outputs == 1 else (len(numbers), shape.outputs)
    if tuple(answer.shape) != wanted:
        raise InvalidProject(
            "the model answers with the wrong shape",
            given=tuple(answer.shape),
            allowed="(rows,) or (rows, 1)" if shape.outputs == 1 else f"(rows, {shape.outputs})",
            next_step="fix the module's last layer; inputs.outputs tells its width",
        )
    return answer.float()


def loss_of(task: str) -> Loss:
    """What is minimised, as the mean over rows."""
    if task == "binary":
        return functional.binary_cross_entropy_with_logits
    return functional.cross_entropy if task == "multiclass" else functional.mse_loss


def transform(task: str, mean: Tensor, scale: Tensor, answer: Tensor) -> Tensor:
    """Logits to probabilities, scaled values to values; float64. `mean` and `scale` are float64
    tensors: an exported graph would hold plain numbers in float32."""
    answer = answer.double()
    if task == "binary":
        return answer.sigmoid()
    return answer.softmax(1) if task == "multiclass" else answer * scale + mean
