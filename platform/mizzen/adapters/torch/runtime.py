"""Devices, threads, seeds and determinism: the same inputs give the same bits.

Torch's switches are global to a process, so they are set around a fit and put back after it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class Group:
    """This process among those that train one model together; `local` is its number among the
    `beside` processes of its node."""

    rank: int = 0
    world: int = 1
    local: int = 0
    beside: int = 1


def choose_device(group: Group) -> torch.device:
    """A GPU of its own for each process where there are enough, else the CPU for all."""
    if torch.cuda.is_available() and torch.cuda.device_count() >= group.beside:
        return torch.device("cuda", group.local)
    return torch.device("cpu")


@contextmanager
def deterministic(threads: int) -> Iterator[None]:
    """Deterministic algorithms and a pinned number of threads, for a while. Weights differ
    between thread counts, so the count comes from the project and not from the machine."""
    # cuBLAS reads it when its handle is made; without it deterministic mode refuses to multiply
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    benchmark = torch.backends.cudnn.benchmark
    torch.set_num_threads(threads)
    # the same switch as use_deterministic_algorithms, which imports the compiler (2 to 8 s)
    torch.set_deterministic_debug_mode("error")
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])
        torch.backends.cudnn.benchmark = benchmark


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """bfloat16 where it is asked for, or where it is faster (`auto`: on a GPU that has it)."""
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
    if precision == "bfloat16" or (precision == "auto" and fast):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def seed_epoch(seed: int, epoch: int, rank: int) -> None:
    """Everything random in an epoch (dropout) depends on these three, so a resumed run needs
    no saved generator state."""
    torch.manual_seed((seed * 1_000_003 + epoch) * 1_009 + rank)


def order_of(rows: int, seed: int, epoch: int) -> torch.Tensor:
    """The epoch's order of rows, int64 (rows,), equal in every process of a group."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(rows, generator=generator)


def average_gradients(module: nn.Module, group: Group) -> None:
    """The mean over the group, in one exchange (NCCL on GPUs, gloo on CPUs).

    Not DistributedDataParallel: it imports the compiler (8 s in each process), and what it
    gains, sending early layers while later ones are computed, a model of tables does not need.
    """
    if group.world == 1:
        return
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= group.world
    for gradient, mean in zip(
        gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True
    ):
        gradient.copy_(mean.view_as(gradient))


def share_weights(module: nn.Module, group: Group) -> None:
    """Everybody starts from the first process's weights."""
    if group.world > 1:
        for value in module.state_dict().values():
            torch.distributed.broadcast(value, src=0)
