"""The small entry through which a KFP component calls its plain function.

Each shell's body takes its arguments, imports this and hands them over. Our own runners call
the plain functions without it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


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
        return _whole(value)
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
