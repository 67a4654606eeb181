"""Several processes train one model: torchrun starts them, the first one writes the result.

Run by `TorchFramework.fit` when a project asks for processes; `python -m` this module is what
torchrun starts in each of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from mizzen import errors
from mizzen.adapters.files.atomic import replace_text
from mizzen.core.encoding import Encoded, Encoder
from mizzen.errors import MizzenError, StepFailed
from mizzen.ports.framework import TrainingJob
from mizzen.spec.training import Trainer
from mizzen.streams import guard_streams

RESULT = "result.json"
ERROR = "error.json"


def train_in_group(job: TrainingJob, folder: Path) -> tuple[str, dict[str, float]]:
    """Fit with `processes_per_node` processes on this machine; weights hash and figures.

    Raises:
        MizzenError: what the first failing process raised.
    """
    shared = job.work / f"group-{os.getpid()}"
    hand_over(job, folder, shared)
    try:
        # The workers inherit the other end of our pipe as standard input and end when it
        # closes: killing this process leaves none of them behind.
        process = subprocess.Popen(
            _command(job, shared), stdin=subprocess.PIPE, env=_environment(job)
        )
        code = process.wait()
        result = _read(shared / RESULT)
        if code == 0 and result is not None:
            return result["hash"], result["figures"]
        raise _failure(_read(shared / ERROR), code)
    finally:
        shutil.rmtree(shared, ignore_errors=True)


def _command(job: TrainingJob, shared: Path) -> list[str]:
    processes = job.trainer.resources.processes_per_node
    start = ["-m", "torch.distributed.run", "--standalone", "--nnodes=1", "--max-restarts=0"]
    worker = ["-m", "mizzen.adapters.torch.group", str(shared)]
    return [sys.executable, *start, f"--nproc-per-node={processes}", *worker]


def _environment(job: TrainingJob) -> dict[str, str]:
    threads = str(job.trainer.resources.cpu)
    return {**os.environ, "OMP_NUM_THREADS": threads, "TORCH_CPP_LOG_LEVEL": "ERROR"}


def hand_over(job: TrainingJob, folder: Path, shared: Path) -> None:
    """Arrays go as .npy files (never pickled), the rest as JSON."""
    shutil.rmtree(shared, ignore_errors=True)
    shared.mkdir(parents=True)
    arrays: dict[str, Any] = {
        "numbers": job.rows.numbers,
        "codes": job.rows.codes,
        "labels": job.labels,
    }
    for name, array in arrays.items():
        np.save(shared / f"{name}.npy", array, allow_pickle=False)
    document = {
        "task": job.task,
        "trainer": job.trainer.model_dump(mode="json"),
        "encoder": job.encoder.to_json(),
        "code": str(job.code),
        "work": str(job.work),
        "folder": str(folder),
    }
    (shared / "job.json").write_text(json.dumps(document), encoding="utf-8")


def take_over(shared: Path) -> tuple[TrainingJob, Path]:
    """The job and its output folder, as `hand_over` wrote them."""
    document = json.loads((shared / "job.json").read_text(encoding="utf-8"))
    # mapped, copy on write: processes share the pages of the rows
    numbers, codes, labels = (
        np.load(shared / f"{name}.npy", mmap_mode="c", allow_pickle=False)
        for name in ("numbers", "codes", "labels")
    )
    job = TrainingJob(
        task=document["task"],
        trainer=Trainer.model_validate(document["trainer"]),
        encoder=Encoder.from_json(document["encoder"]),
        rows=Encoded(numbers, codes),
        labels=labels,
        code=Path(document["code"]),
        work=Path(document["work"]),
    )
    return job, Path(document["folder"])


def _failure(document: dict[str, Any] | None, code: int) -> MizzenError:
    if document is None:
        return StepFailed(
            "a training process died", given=f"exit code {code}", next_step="read the step's log"
        )
    kind = getattr(errors, document["error"], StepFailed)
    error: MizzenError = kind(
        document["message"],
        given=document["given"],
        allowed=document["allowed"],
        next_step=document["next"],
    )
    return error


def _read(file: Path) -> dict[str, Any] | None:
    if not file.exists():
        return None
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(70)


def work(shared: Path) -> int:
    """One process of the group, started by torchrun; its exit code."""
    import torch
    import torch.distributed as dist

    from mizzen.adapters.torch.runtime import Group, choose_device
    from mizzen.adapters.torch.train import train

    threading.Thread(target=_end_with_parent, daemon=True).start()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    group = Group(*(int(os.environ[name]) for name in names))
    device = choose_device(group)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=timedelta(minutes=30))
    try:
        job, folder = take_over(shared)
        digest, figures = train(job, folder, group)
        if group.rank == 0:
            replace_text(shared / RESULT, json.dumps({"hash": digest, "figures": figures}))
        return 0
    except MizzenError as error:
        replace_text(shared / ERROR, json.dumps(error.as_dict()))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 (a user's module may raise anything)
        failure = StepFailed("a training process failed", given=error)
        replace_text(shared / ERROR, json.dumps(failure.as_dict()))
        traceback.print_exc()
        return failure.exit_code
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    guard_streams()
    sys.exit(work(Path(sys.argv[1])))
