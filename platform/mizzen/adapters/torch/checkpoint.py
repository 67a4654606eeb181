"""Checkpoints of a fit: one safetensors file with a JSON header, replaced atomically.

A killed fit goes on from the last checkpoint and ends with the same bits as an undisturbed
one. The header carries the job's fingerprint: a checkpoint of another job is never used.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mizzen.adapters.files.atomic import replaced_file
from mizzen.ports.framework import TrainingJob

Tensors = dict[str, Tensor]
PAUSE = 1.0  # seconds between two checkpoints, at least


@dataclass(frozen=True, slots=True)
class Progress:
    """Finished epochs, and the mean training loss of each."""

    epochs: int = 0
    losses: list[float] = field(default_factory=list)


def fingerprint(job: TrainingJob) -> str:
    """SHA-256 of everything that the weights depend on."""
    digest = hashlib.sha256(job.trainer.model_dump_json(exclude={"timeout", "retries"}).encode())
    digest.update(f"{job.task}\0{job.encoder.to_json()}".encode())
    for array in (job.rows.raw, job.rows.codes, job.labels):
        digest.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    for file in sorted(job.code.rglob("*.py")):
        digest.update(file.relative_to(job.code).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


@dataclass(slots=True)
class Checkpoint:
    """The newest checkpoint of one job."""

    file: Path
    job: str
    _saved: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        """Whether enough would be lost by a kill: short epochs are not all worth a write."""
        return time.monotonic() - self._saved >= PAUSE

    def save(self, parts: dict[str, Tensors], progress: Progress) -> None:
        """Replace the checkpoint; a kill at any moment leaves the old one or the new one."""
        tensors = {
            f"{part}/{name}": tensor.detach().cpu().clone().contiguous()
            for part, content in parts.items()
            for name, tensor in content.items()
        }
        header = {"job": self.job, "progress": json.dumps(asdict(progress))}
        with replaced_file(self.file) as fresh:
            save_file(tensors, fresh, metadata=header)
            _sync(fresh)
        self._saved = time.monotonic()

    def load(self) -> tuple[dict[str, Tensors], Progress] | None:
        """What was saved last; None when there is nothing, or nothing of this job."""
        if not self.file.exists():
            return None
        try:
            with safe_open(self.file, framework="pt") as content:
                header = content.metadata() or {}
                if header.get("job") != self.job:
                    return None
                parts: dict[str, Tensors] = {}
                for key in content.keys():  # noqa: SIM118 (not a mapping)
                    part, _, name = key.partition("/")
                    parts.setdefault(part, {})[name] = content.get_tensor(key)
        except (SafetensorError, OSError):
            return None  # torn by a power failure: start over
        return parts, Progress(**json.loads(header["progress"]))

    def remove(self) -> None:
        """Forget; the model is written."""
        self.file.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    with file.open("rb") as content:
        os.fsync(content.fileno())
