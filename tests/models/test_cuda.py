"""Training and answering on an NVIDIA GPU: the same bits again, as good as a CPU's.

Skipped where there is none; `pytest tests/models/test_cuda.py` on a machine that has one needs
neither MLflow nor a database.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

from mizzen.adapters.torch import checkpoint, loop, train
from mizzen.adapters.torch.framework import TorchFramework
from mizzen.adapters.torch.group import train_in_group
from mizzen.adapters.torch.runtime import Group, autocast, average_gradients, choose_device
from mizzen.core.place import Place
from mizzen.ports.framework import TrainingJob

from .conftest import TORCH, a_place, answers_of, describe_fitted
from .gpu import NEEDS_GPU

pytestmark = NEEDS_GPU
Job = Callable[..., TrainingJob]
WEIGHTS = "model.safetensors"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place without MLflow's tables."""
    return a_place(tmp_path / "home")


@pytest.fixture
def framework(place: Place) -> TorchFramework:
    return TorchFramework(place)


def torch_with(**parameters: Any) -> dict[str, Any]:
    return {**TORCH, "parameters": {"epochs": 20, "lr": 0.01, "batch_size": 128, **parameters}}


def test_the_same_inputs_give_the_same_weights_on_a_gpu(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    made = job(torch_with(average=0.9))
    torch.cuda.reset_peak_memory_stats()
    first, second = (framework.fit(made, tmp_path).weights_hash for _ in range(2))
    assert first == second
    assert torch.cuda.max_memory_allocated() > made.rows.numbers.nbytes, "the rows never got there"


@pytest.mark.parametrize("precision", ["float32", "auto"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_gpu_learns_what_a_cpu_learns(
    framework: TorchFramework,
    job: Job,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    precision: str,
) -> None:
    made = job(torch_with(precision=precision), task)
    on_gpu = answers_of(framework, made, tmp_path)
    monkeypatch.setattr(train, "choose_device", lambda group: torch.device("cpu"))
    on_cpu = answers_of(framework, made, tmp_path)
    # dropout draws other numbers on each, so the weights differ and the lesson does not
    assert np.corrcoef(on_gpu.ravel(), on_cpu.ravel())[0, 1] > 0.95


def test_one_model_answers_alike_on_both_devices(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    made = job(torch_with())
    framework.fit(made, tmp_path)
    describe_fitted(made, tmp_path)
    cpu, gpu = (
        framework.load(tmp_path, made.code, {"device": device}).predict(made.rows)
        for device in ("cpu", "cuda")
    )
    assert np.allclose(cpu, gpu, atol=1e-5)


def test_a_fit_that_stopped_goes_on_from_its_checkpoint_with_the_same_bits(
    framework: TorchFramework, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = job(torch_with(average=0.9))
    undisturbed = framework.fit(made, tmp_path).weights_hash
    monkeypatch.setattr(checkpoint, "PAUSE", 0.0)
    whole = loop.Fit._epoch

    def dies(self: loop.Fit, epoch: int, *rest: Any) -> float:
        if epoch == 9:
            raise KeyboardInterrupt
        return whole(self, epoch, *rest)

    with monkeypatch.context() as killed:
        killed.setattr(loop.Fit, "_epoch", dies)
        with pytest.raises(KeyboardInterrupt):
            framework.fit(made, tmp_path)
    assert (made.work / "checkpoint.safetensors").exists()
    assert framework.fit(made, tmp_path).weights_hash == undisturbed


def test_rows_that_leave_too_little_memory_stay_on_the_host_and_travel_in_batches(
    framework: TorchFramework, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = job(torch_with())
    resting = framework.fit(made, tmp_path).weights_hash
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (made.rows.numbers.nbytes, 0))
    assert framework.fit(made, tmp_path).weights_hash == resting


def test_bfloat16_is_used_where_it_is_asked_for_and_weights_stay_float32(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    device = choose_device(Group())
    square = torch.ones(8, 8, device=device)
    for precision, kind in {"auto": torch.bfloat16, "float32": torch.float32}.items():
        with autocast(device, precision):
            assert (square @ square).dtype == kind
    framework.fit(job(torch_with(precision="bfloat16")), tmp_path)
    assert {value.dtype for value in load_file(tmp_path / WEIGHTS).values()} == {torch.float32}


def test_a_process_of_a_group_trains_over_nccl(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    made = job(torch_with())
    alone = framework.fit(made, tmp_path).weights_hash
    digest, figures = train_in_group(made, tmp_path)
    assert (digest, figures["processes"]) == (alone, 1.0)


def test_gradients_are_averaged_by_nccl(tmp_path: Path) -> None:
    store = dist.FileStore(str(tmp_path / "store"), 1)
    dist.init_process_group("nccl", store=store, rank=0, world_size=1)
    try:
        layer = torch.nn.Linear(3, 2, device="cuda")
        layer(torch.ones(4, 3, device="cuda")).sum().backward()
        before = [parameter.grad.clone() for parameter in layer.parameters()]  # type: ignore[union-attr]
        # one process that believes in two: the sum of one gradient, halved
        average_gradients(layer, Group(world=2))
        for old, parameter in zip(before, layer.parameters(), strict=True):
            assert torch.equal(parameter.grad, old / 2)  # type: ignore[arg-type]
    finally:
        dist.destroy_process_group()


def test_more_processes_than_gpus_train_on_the_cpu(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    processes = torch.cuda.device_count() + 1
    made = job({**torch_with(), "resources": {"processes_per_node": processes}})
    assert framework.fit(made, tmp_path).figures["processes"] == processes
