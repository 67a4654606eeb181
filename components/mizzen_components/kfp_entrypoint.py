"""The small entry through which a KFP component calls its plain function.

Each shell's body takes its arguments, imports this and hands them over. Our own runners call
the plain functions without it.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mizzen.adapters.bundle import own_process
from mizzen.core.ir_task import whole

_RUNTIME = "_KFP_RUNTIME"  # set by each compiled command: KFP started this process for one step


def call(step: str, arguments: Mapping[str, Any]) -> Any:
    """Call `module:function` with a shell's arguments; returns the step's figures.

    Artifacts become paths. Whole numbers inside structures become integers again: KFP hands
    all of them over as floating point numbers.
    """
    if os.environ.get(_RUNTIME) == "true":
        own_process()
    module, _, function = step.partition(":")
    run = getattr(importlib.import_module(module), function)
    figures = run(**{name: _plain(value) for name, value in arguments.items()})
    return _without_nulls(figures)


def _without_nulls(figures: Any) -> Any:
    """KFP has no null: a number that is not known is not a number."""
    if not hasattr(figures, "_replace"):
        return figures
    absent = {name: math.nan for name, value in figures._asdict().items() if value is None}
    return figures._replace(**absent)


def _plain(value: Any) -> Any:
    if hasattr(value, "uri") and hasattr(value, "path"):
        return Path(value.path)
    if isinstance(value, dict | list):
        return whole(value)
    return value
