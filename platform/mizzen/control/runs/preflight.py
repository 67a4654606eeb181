"""Whether this machine has what a project asks for, asked before a run starts.

A pure comparison; `this_machine` reads the facts.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from mizzen.errors import Unsupported
from mizzen.spec.training import Resources

_UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory` in bytes, 0 where it is not known."""

    memory: int
    gpus: int


def this_machine(with_gpus: bool) -> Machine:
    """What is here; GPUs are counted only when somebody asks for one."""
    return Machine(_memory(), _gpus() if with_gpus else 0)


def check_resources(resources: Resources, machine: Machine, runner: str) -> None:
    """Raises Unsupported with every wish that this machine cannot grant."""
    if runner != "local":
        return
    lacking = _lacking(resources, machine)
    if lacking:
        raise Unsupported(
            "trainer.resources asks for more than this machine has",
            given="; ".join(given for given, _ in lacking),
            allowed="; ".join(allowed for _, allowed in lacking),
            next_step="lower trainer.resources, or choose a profile of a larger place",
        )


def _lacking(resources: Resources, machine: Machine) -> list[tuple[str, str]]:
    memory = int(resources.memory[:-2]) * _UNITS[resources.memory[-2:]]
    gpus = 0 if resources.gpu is None else resources.gpu.count
    found = []
    if resources.nodes > 1:
        found.append((f"nodes: {resources.nodes}", "nodes: 1 (the local runner)"))
    # more threads than cores are slow, not impossible, and the result depends on their number
    if machine.memory and memory > machine.memory:
        found.append((f"memory: {resources.memory}", f"memory: up to {machine.memory >> 20}Mi"))
    if gpus > machine.gpus:
        found.append((f"gpu.count: {gpus}", f"gpu.count: up to {machine.gpus}"))
    return found


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _gpus() -> int:
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in done.stdout.splitlines())
