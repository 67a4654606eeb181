"""One fit in one process of a group: build, train, write. Called by the framework and worker."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from mizzen.adapters.files.atomic import replaced_file
from mizzen.adapters.torch.checkpoint import Checkpoint, Tensors, fingerprint
from mizzen.adapters.torch.loop import Fit, Rows
from mizzen.adapters.torch.network import Target, build, inputs_of
from mizzen.adapters.torch.parameters import read_parameters
from mizzen.adapters.torch.runtime import Group, choose_device, deterministic, share_weights
from mizzen.core.scaling import moments
from mizzen.core.weights import weights_hash
from mizzen.ports.framework import Floats, TrainingJob

WEIGHTS = "model.safetensors"


def train(job: TrainingJob, folder: Path, group: Group = Group()) -> tuple[str, dict[str, float]]:  # noqa: B008 (frozen)
    """Fit and write `model.safetensors` into `folder` (the first process of a group does);
    the hash of the weights, and figures."""
    parameters = read_parameters(job.trainer.parameters)
    with deterministic(job.trainer.resources.cpu):
        torch.manual_seed(job.trainer.seed)
        device = choose_device(group)
        shape = job.encoder.shape()
        module = build(job.code, _reference(job), shape).to(device)
        target = _target(job.task, job.labels)
        rows = _rows(job, target, device)
        share_weights(module, group)
        fit = Fit(module, job.task, shape, parameters, job.trainer.seed, device, group)
        checkpoint = Checkpoint(job.work / "checkpoint.safetensors", fingerprint(job))
        losses, kept = fit.run(rows, checkpoint)
        weights = {name: value.detach().cpu().contiguous() for name, value in kept.items()}
    if group.rank == 0:
        _write(folder / WEIGHTS, weights, _with_residual(target, job.task, losses[-1]))
        checkpoint.remove()
    figures = {"loss": losses[-1], "epochs": float(len(losses)), "processes": float(group.world)}
    return weights_hash({n: _bits(v) for n, v in weights.items()}), figures


def _reference(job: TrainingJob) -> str:
    assert job.trainer.model is not None, "the spec demands it of a torch trainer"  # noqa: S101
    return job.trainer.model


def _target(task: str, labels: Floats) -> Target:
    if task != "regression":
        return Target()
    return Target(*moments(np.sort(labels)))


def _with_residual(target: Target, task: str, loss: float) -> Target:
    if task != "regression":
        return target
    return replace(target, residual=target.scale * math.sqrt(loss))


def _rows(job: TrainingJob, target: Target, device: torch.device) -> Rows:
    numbers, codes = inputs_of(job.encoder, job.rows)
    if job.task == "multiclass":
        labels = torch.from_numpy(job.labels.astype(np.int64))
    else:
        labels = torch.from_numpy(((job.labels - target.mean) / target.scale).astype(np.float32))
    place = _resting_place((numbers, codes, labels), device)
    return Rows(numbers.to(place), codes.to(place), labels.to(place))


def _resting_place(tensors: tuple[Tensor, ...], device: torch.device) -> torch.device:
    """On the GPU when all rows take less than half of what is free there; else batches travel."""
    if device.type == "cpu":
        return device
    needed = sum(tensor.nbytes for tensor in tensors)
    free, _ = torch.cuda.mem_get_info(device)
    return device if needed < free / 2 else torch.device("cpu")


def _write(file: Path, weights: Tensors, target: Target) -> None:
    # tied weights share memory, which the format refuses: each name gets its own copy
    copies = {name: value.clone() for name, value in weights.items()}
    header = {"target": json.dumps([target.mean, target.scale, target.residual])}
    with replaced_file(file) as fresh:
        save_file(copies, fresh, metadata=header)


def _bits(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The tensor's bytes; numpy has no bfloat16."""
    flat: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = (
        tensor.contiguous().reshape(-1).view(torch.uint8).numpy()
    )
    return flat
