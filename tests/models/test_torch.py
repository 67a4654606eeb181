"""Torch models: the same bits again, after a kill, and a clear word when training goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mizzen.adapters.torch.adamw import AdamW
from mizzen.adapters.torch.framework import TorchFramework
from mizzen.adapters.torch.group import hand_over
from mizzen.adapters.torch.loop import rate
from mizzen.adapters.torch.parameters import TorchParameters
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, InvalidProject, StepFailed, Unsupported
from mizzen.ports.framework import TrainingJob

from .conftest import MODEL, TORCH, answers_of, describe_fitted
from .gpu import NEEDS_GPU

Job = Callable[..., TrainingJob]
BROKEN = MODEL.replace("return self", "return torch.log(-1 - numbers[:, :1] ** 2) + self")


@pytest.fixture
def framework(place: Place) -> TorchFramework:
    return TorchFramework(place)


def torch_with(**parameters: Any) -> dict[str, Any]:
    return {**TORCH, "parameters": {**TORCH["parameters"], **parameters}}  # type: ignore[dict-item]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_model_learns_and_answers_as_its_task_promises(
    framework: TorchFramework, job: Job, tmp_path: Path, task: str
) -> None:
    made = job(torch_with(epochs=30, batch_size=128), task)
    framework.fit(made, tmp_path)
    describe_fitted(made, tmp_path)
    answers = framework.load(tmp_path, made.code, {}).predict(made.rows)
    if task == "multiclass":
        assert answers.shape == (1200, 3)
        assert np.allclose(answers.sum(1), 1)
        assert (answers.argmax(1) == made.labels).mean() > 0.6
    else:
        assert answers.shape == (1200,)
        assert np.corrcoef(answers, made.labels)[0, 1] > 0.6


def test_the_same_inputs_give_the_same_weights_and_another_seed_others(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    made = job(TORCH)
    first, second = (framework.fit(made, tmp_path).weights_hash for _ in range(2))
    other = replace(made, trainer=made.trainer.model_copy(update={"seed": 8}))
    assert first == second
    assert framework.fit(other, tmp_path).weights_hash != first


def test_weights_are_safetensors_and_nothing_is_left_in_the_work_folder(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    made = job(TORCH)
    folder = tmp_path / "model"
    folder.mkdir()
    fitted = framework.fit(made, folder)
    assert fitted.files == ("model.safetensors",)
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]
    assert list(made.work.iterdir()) == []
    size = int.from_bytes((folder / "model.safetensors").read_bytes()[:8], "little")
    assert json.loads((folder / "model.safetensors").read_bytes()[8 : 8 + size])


KILLED = """
import json, sys
from pathlib import Path
from mizzen.adapters.torch.framework import TorchFramework
from mizzen.adapters.torch import checkpoint
from mizzen.adapters.torch.group import take_over

checkpoint.PAUSE = 0.0
job, folder = take_over(Path(sys.argv[1]))
print(TorchFramework(None).fit(job, folder).weights_hash)
"""


def a_process(shared: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(shared)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_fit_that_was_killed_goes_on_and_ends_with_the_same_bits(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    made = job(torch_with(epochs=100, batch_size=64, average=0.9))
    undisturbed = framework.fit(made, tmp_path).weights_hash
    hand_over(made, tmp_path, tmp_path / "shared")
    process = a_process(tmp_path / "shared")
    checkpoint = made.work / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it finished before it could be killed"
    assert checkpoint.exists()
    output, _ = a_process(tmp_path / "shared").communicate(timeout=120)
    assert "resumed after epoch" in output
    assert output.split()[-1] == undisturbed


@pytest.mark.parametrize("damage", ["torn", "of another job"])
def test_a_checkpoint_that_does_not_fit_is_not_used(
    framework: TorchFramework, job: Job, tmp_path: Path, damage: str
) -> None:
    made = job(TORCH)
    wanted = framework.fit(made, tmp_path).weights_hash
    file = made.work / "checkpoint.safetensors"
    if damage == "torn":
        file.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{half of a hea")
    else:
        from mizzen.adapters.torch.checkpoint import Checkpoint, Progress

        parts = {"model": {"weight": torch.ones(2)}}
        Checkpoint(file, "another job").save(parts, Progress(2, [0.1, 0.1]))
    assert framework.fit(made, tmp_path).weights_hash == wanted


def test_an_unknown_parameter_lists_the_known_ones(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    with pytest.raises(InvalidProject, match=r"unknown parameter 'learning_rate'(.|\n)*epochs"):
        framework.fit(job(torch_with(learning_rate=1)), tmp_path)
    with pytest.raises(InvalidProject, match=r"trainer.parameters.epochs"):
        framework.fit(job(torch_with(epochs=0)), tmp_path)


def test_a_loss_that_is_not_a_number_names_the_epoch_and_what_to_try(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    with pytest.raises(StepFailed, match=r"nan in epoch 1 of 3(.|\n)*lower parameters.lr"):
        framework.fit(job(TORCH, model=BROKEN), tmp_path)


def test_a_model_of_the_wrong_shape_is_told_the_right_one(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    wide = MODEL.replace("nn.Linear(16, inputs.outputs)", "nn.Linear(16, 5)")
    with pytest.raises(InvalidProject, match=r"\(rows,\) or \(rows, 1\)"):
        framework.fit(job(TORCH, model=wide), tmp_path)
    with pytest.raises(InvalidProject, match=r"must return a torch.nn.Module"):
        framework.fit(job(TORCH, model="def build(inputs):\n    return 3\n"), tmp_path)


def test_several_nodes_are_refused_on_one_machine(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    with pytest.raises(Unsupported, match=r"nodes: 2"):
        framework.fit(job({**TORCH, "resources": {"nodes": 2}}), tmp_path)


def test_weights_that_do_not_fit_the_code_or_cannot_be_read_are_refused(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    made = job(TORCH)
    framework.fit(made, tmp_path)
    describe_fitted(made, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.py").write_text(MODEL.replace("16", "17"))
    with pytest.raises(IntegrityError, match=r"do not fit"):
        framework.load(tmp_path, other, {})
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(IntegrityError, match=r"holds no weights"):
        framework.load(tmp_path, made.code, {})


@pytest.mark.slow
def test_two_processes_train_the_model_that_one_trains_and_tell_its_errors(
    framework: TorchFramework, job: Job, tmp_path: Path
) -> None:
    plain = MODEL.replace("nn.Dropout(0.1), ", "")
    pair = {**torch_with(epochs=6, batch_size=120), "resources": {"processes_per_node": 2}}
    alone = answers_of(framework, job(torch_with(epochs=6, batch_size=120), model=plain), tmp_path)
    together = answers_of(framework, job(pair, model=plain), tmp_path)
    assert np.allclose(alone, together, atol=1e-4)
    with pytest.raises(StepFailed, match=r"nan in epoch 1"):
        framework.fit(job(pair, model=BROKEN), tmp_path)


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def test_our_adamw_moves_weights_bit_for_bit_as_the_librarys(
    device: str, kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a torch that has no such kernel."""
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Linear(5, 3, device=device) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    mine = AdamW(ours.parameters(), 0.1)
    ways = {"fused": True} if kernel else {"foreach": False, "fused": False}
    reference = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1, **ways)
    if not kernel:
        monkeypatch.delattr(torch, "_fused_adamw_")
    for _ in range(20):
        batch = torch.randn(8, 5, device=device)
        for module in (ours, theirs):
            module.zero_grad()
            module(batch).square().sum().backward()
        mine.step(0.01)
        reference.step()
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    plan = TorchParameters(epochs=2, lr=1.0, warmup=0.1)
    rates = [rate(plan, step, 50) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1.0
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] < 0.01
