"""The metrics in the folder that the evaluate step leaves, for whoever shows them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

OUTPUT = "evaluation"  # the name of that folder among the step's artifacts


def measured_metrics(artifacts: Mapping[str, Path] | Mapping[str, str]) -> dict[str, float | None]:
    """Every metric of a finished step by its name, None where it cannot be computed; none of a
    step that evaluates nothing, or whose folder is not on this machine."""
    folder = artifacts.get(OUTPUT)
    if folder is None:
        return {}
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        report = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))
        return {name: _finite(record["value"]) for name, record in report["metrics"].items()}
    return {}


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
