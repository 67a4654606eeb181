"""Importing Feast without what it drags in. Every module of this adapter imports it here.

Feast sends no usage reports since 0.40; its import alone costs 9 s of CPU, of which 4 s go to
torch (for a tensor export that nobody here asks for) and 4 s to typeguard rewriting classes at
import. Both are kept out while Feast is imported, and only then.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import Any

from mizzen.adapters.backends import missing

_importing = Lock()


def feast(module: str = "feast") -> ModuleType:
    """A module of Feast."""
    with _importing:
        if "feast" in sys.modules:
            return importlib.import_module(module)
        if find_spec("feast") is None:
            raise missing("feast", "feast")
        os.environ["FEAST_USAGE"] = "False"  # for versions that still knew the switch
        with _without_torch(), _without_typeguard(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module("feast")
            return importlib.import_module(module)


@contextmanager
def _without_torch() -> Iterator[None]:
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torch"]


@contextmanager
def _without_typeguard() -> Iterator[None]:
    try:
        import typeguard
    except ModuleNotFoundError:
        yield
        return
    before = typeguard.typechecked
    typeguard.typechecked = _unchanged
    try:
        yield
    finally:
        typeguard.typechecked = before


def _unchanged(target: Any = None, **_: Any) -> Any:
    return target if target is not None else _unchanged
