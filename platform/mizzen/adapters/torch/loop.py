"""The training loop: tensors sliced by index, one process or a group of them.

No DataLoader: it assembles every batch row by row in Python, and a table that fits into memory
needs one gather per batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mizzen.adapters.torch.adamw import AdamW
from mizzen.adapters.torch.checkpoint import Checkpoint, Progress, Tensors
from mizzen.adapters.torch.network import loss_of, outputs_of
from mizzen.adapters.torch.parameters import TorchParameters
from mizzen.adapters.torch.runtime import (
    Group,
    autocast,
    average_gradients,
    order_of,
    seed_epoch,
)
from mizzen.core.encoding import Shape
from mizzen.errors import StepFailed


@dataclass(frozen=True, slots=True)
class Rows:
    """What is learnt from, on one device. `labels`: float32, or int64 class indices."""

    numbers: Tensor
    codes: Tensor
    labels: Tensor

    def take(self, index: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """One batch, on `device`."""
        batch = (self.numbers[index], self.codes[index], self.labels[index])
        numbers, codes, labels = (part.to(device, non_blocking=True) for part in batch)
        return numbers, codes, labels


@dataclass(slots=True)
class Fit:
    """One module on its way from its first weights to its last."""

    module: nn.Module
    task: str
    shape: Shape
    parameters: TorchParameters
    seed: int
    device: torch.device
    group: Group

    def run(self, rows: Rows, checkpoint: Checkpoint | None) -> tuple[list[float], Tensors]:
        """Train to the last epoch; mean loss of each epoch, and the weights to keep.

        Raises:
            StepFailed: the loss is no longer a finite number.
        """
        optimizer = AdamW(self.module.parameters(), self.parameters.weight_decay)
        average = _clone(self.module)
        progress = self._resume(optimizer, average, checkpoint)
        losses = list(progress.losses)
        for epoch in range(progress.epochs, self.parameters.epochs):
            losses.append(self._epoch(epoch, rows, optimizer, average))
            if checkpoint is not None and self.group.rank == 0 and checkpoint.due():
                parts = {
                    "model": dict(self.module.state_dict()),
                    "optimizer": optimizer.tensors(),
                    "average": average,
                }
                checkpoint.save(parts, Progress(epoch + 1, losses))
        kept = average if self.parameters.average else dict(self.module.state_dict())
        return losses, kept

    def _resume(
        self, optimizer: AdamW, average: Tensors, checkpoint: Checkpoint | None
    ) -> Progress:
        found = checkpoint.load() if checkpoint is not None else None
        if found is None:
            return Progress()
        parts, progress = found
        self.module.load_state_dict(parts["model"], strict=True)
        optimizer.restore(parts["optimizer"])
        for name, value in parts["average"].items():
            average[name].copy_(value)
        print(f"resumed after epoch {progress.epochs} of {self.parameters.epochs}", flush=True)  # noqa: T201 (the step's log)
        return progress

    def _epoch(self, epoch: int, rows: Rows, optimizer: AdamW, average: Tensors) -> float:
        seed_epoch(self.seed, epoch, self.group.rank)
        self.module.train()
        batches = self._batches(len(rows.labels), epoch, rows.labels.device)
        steps = len(batches)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for number, index in enumerate(batches):
            loss = self._loss(rows.take(index, self.device))
            optimizer.clear()
            loss.backward()  # type: ignore[no-untyped-call]
            average_gradients(self.module, self.group)
            if self.parameters.clip:
                nn.utils.clip_grad_norm_(self.module.parameters(), self.parameters.clip)
            optimizer.step(rate(self.parameters, epoch * steps + number, steps))
            self._follow(average)
            total += loss.detach()
        return self._mean(total / steps, epoch)

    def _batches(self, rows: int, epoch: int, device: torch.device) -> list[Tensor]:
        """Row numbers of this process's batches. The rest that fills no batch is left out of
        this epoch (another order brings it in the next); each process takes every n-th row."""
        size = min(self.parameters.batch_size, rows) // self.group.world
        size *= self.group.world
        if size == 0:
            raise StepFailed(
                "fewer rows in a batch than processes",
                given=f"{rows} rows, {self.group.world} processes",
                next_step="raise batch_size, or lower trainer.resources.processes_per_node",
            )
        order = order_of(rows, self.seed, epoch).to(device)
        whole = order[: len(order) // size * size].view(-1, size)
        return list(whole[:, self.group.rank :: self.group.world])

    def _loss(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        numbers, codes, labels = batch
        with autocast(self.device, self.parameters.precision):
            answer = outputs_of(self.module, numbers, codes, self.shape)
        return loss_of(self.task)(answer, labels)

    def _follow(self, average: Tensors) -> None:
        decay = self.parameters.average
        if not decay:
            return
        for name, value in self.module.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - decay)
            else:
                average[name].copy_(value)

    def _mean(self, loss: Tensor, epoch: int) -> float:
        if self.group.world > 1:
            torch.distributed.all_reduce(loss)
            loss = loss / self.group.world
        value = float(loss)
        if math.isfinite(value):
            return value
        raise StepFailed(
            f"the training loss is {value} in epoch {epoch + 1} of {self.parameters.epochs}",
            given=f"lr {self.parameters.lr}, clip {self.parameters.clip}",
            next_step="lower parameters.lr, keep parameters.clip above 0, look for extreme "
            "values in the features, or for a log or a division in the model",
        )


def rate(parameters: TorchParameters, step: int, steps: int) -> float:
    """The learning rate of one step; a pure function, so that resuming needs no state."""
    total = steps * parameters.epochs
    rise = max(1, round(total * parameters.warmup)) if parameters.warmup else 0
    if step < rise:
        return parameters.lr * (step + 1) / rise
    left = 1 - (step - rise) / max(1, total - rise)
    fall: dict[str, Callable[[], float]] = {
        "constant": lambda: 1.0,
        "linear": lambda: left,
        "cosine": lambda: 0.5 - 0.5 * math.cos(math.pi * left),
    }
    return parameters.lr * fall[parameters.schedule]()


def _clone(module: nn.Module) -> Tensors:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
