"""The metrics and the model card that steps leave, for whoever shows them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mizzen.core.manifest import CARD

OUTPUT = "evaluation"  # the name of the folder with metrics among a step's artifacts
PACKAGE = "package"  # and of the folder that was registered


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


def model_card(artifacts: Mapping[str, Path] | Mapping[str, str]) -> str | None:
    """The model card of a finished step, from its package or its evaluation; None of a step that
    leaves none, or whose folder is not on this machine."""
    for output in (PACKAGE, OUTPUT):
        folder = artifacts.get(output)
        if folder is not None:
            with suppress(OSError, UnicodeDecodeError):
                return (Path(folder) / CARD).read_text(encoding="utf-8")
    return None


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
