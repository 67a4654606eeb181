"""Figures of a run, kept as JSON in a folder that git ignores; no test asserts on one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from testnode import places

FILE = places.REPORT / "figures.json"


def record(name: str, value: float, unit: str) -> None:
    """Keep one figure, replacing that of an earlier run."""
    FILE.parent.mkdir(exist_ok=True)
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    kept[name] = {"value": round(value, 3), "unit": unit}
    FILE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def lines() -> list[str]:
    """Every figure that was kept, a line each."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    return [f"{name}: {figure['value']:,} {figure['unit']}" for name, figure in kept.items()]


@contextmanager
def timed(name: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    record(name, time.monotonic() - begun, "s")
