"""A torch model as ONNX, so that it can be served without torch. Called by the onnx adapter."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from mizzen.adapters.torch.network import transform
from mizzen.adapters.torch.predictor import TorchPredictor
from mizzen.errors import Unsupported

INPUTS = ("numbers", "codes")
OUTPUT = "output"


class _Answer(nn.Module):
    """The module with the task's transform: the ONNX graph gives what a predictor gives."""

    def __init__(self, predictor: TorchPredictor) -> None:
        super().__init__()
        self.module = predictor.module
        self._predictor = predictor
        mean, scale = predictor.target.tensors()
        self.register_buffer("target_mean", mean)
        self.register_buffer("target_scale", scale)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        answer: Tensor = self.module(numbers, codes)
        # not `outputs_of`: looking at the number of rows would fix it in the graph
        if answer.ndim == 2 and self._predictor.encoder.shape().outputs == 1:
            answer = answer[:, 0]
        mean, scale = self.get_buffer("target_mean"), self.get_buffer("target_scale")
        return transform(self._predictor.task, mean, scale, answer)


def export(predictor: TorchPredictor, into: Path) -> None:
    """Write the graph with its weights into one file; the number of rows stays open.

    Raises:
        Unsupported: the module does what ONNX cannot express.
    """
    shape = predictor.encoder.shape()
    # two rows: with one, the exporter may take the number of rows for a constant
    example = torch.zeros(2, shape.numbers), torch.zeros(2, len(shape.categories)).long()
    rows = torch.export.Dim("rows", min=1)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Answer(predictor).eval(),
                example,
                str(into),
                input_names=list(INPUTS),
                output_names=[OUTPUT],
                dynamic_shapes=({0: rows}, {0: rows}),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise Unsupported(
            "the model cannot be exported to ONNX",
            given=str(error).splitlines()[0],
            next_step="serve it with torch, or write the model with plain torch operations",
        ) from error
