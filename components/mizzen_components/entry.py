"""The small entry through which a KFP component calls its plain function.

Each shell's body takes its arguments, imports this and hands them over. Our own runners call
the plain functions without it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mizzen.core.ir_task import whole


def call(step: str, arguments: Mapping[str, Any]) -> Any:
    """Call `module:function` with a shell's arguments; returns the step's figures.

    Artifacts become paths. Whole numbers inside structures become integers again: KFP hands
    all of them over as floating point numbers.
    """
    module, _, function = step.partition(":")
    run = getattr(importlib.import_module(module), function)
    return run(**{name: _plain(value) for name, value in arguments.items()})


def _plain(value: Any) -> Any:
    if hasattr(value, "uri") and hasattr(value, "path"):
        return Path(value.path)
    if isinstance(value, dict | list):
        return whole(value)
    return value
