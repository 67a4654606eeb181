"""What of its process's environment a step's result would depend on. Every runner sets it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

# Read when a library is loaded, so they are set before anything is imported.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
)


def threads_of(environment: Mapping[str, str], cpu: float | None) -> int:
    """How many threads a step may use: what its pipeline says, else a thread for each CPU."""
    declared = environment.get("MIZZEN_THREADS")
    return int(declared) if declared else max(1, math.ceil(cpu or 1))


def reproducible(threads: int) -> dict[str, str]:
    """The variables, the same on every machine: sums of floats depend on the number of threads,
    the order of sets on Python's hash seed."""
    return {**{name: str(threads) for name in THREADS}, "PYTHONHASHSEED": "0"}
