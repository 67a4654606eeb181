"""What `make test-fast` may not need: a pytest plugin that refuses it, so that the lane stays fast.

A library that takes seconds to load cannot be imported by a test of the lane, nor a database asked
for. Processes that a test starts import what they like.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

REFUSED = frozenset({"bentoml", "dvc", "evidently", "feast", "mlflow", "onnxruntime", "torch"})
SERVERS = frozenset({"postgres", "own_postgres"})


class Refusal:
    """Finds nothing; of a refused library it says so."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in REFUSED:
            raise AssertionError(f"{name} is not for the fast lane: leave the test out of FAST")
        return None


def pytest_configure() -> None:
    """From here on."""
    sys.meta_path.insert(0, Refusal())


@pytest.hookimpl(trylast=True)  # after those that -m leaves out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No test of the lane asks for a server."""
    asking = [item.nodeid for item in items if SERVERS & set(getattr(item, "fixturenames", ()))]
    if asking:
        raise pytest.UsageError(f"not for the fast lane, they need PostgreSQL: {asking}")
