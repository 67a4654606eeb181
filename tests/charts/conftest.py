"""Helm and our charts. Helm is the one that the cluster's tests build, else the one on PATH."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from testnode.building import parts
from testnode.errors import ClusterError

from .rendering import CHARTS, Helm

# a candidate that is weighted and mirrored to, and every part that may be left out
EVERYTHING: dict[str, Any] = {
    "model": {"version": 1},
    "candidate": {"version": 2, "weight": 10, "mirror": True},
    "log": {"ship": {"to": "s3://predictions/flights"}},
    "s3": {"secret": "s3"},
    "features": {"store": "postgres", "secret": "postgres"},
    "network": {
        "s3": [{"cidr": "10.0.8.0/24", "port": 9000}],
        "features": [{"podLabels": {"app": "postgres"}, "port": 5432}],
    },
    "monitor": {"enabled": True},
}


@pytest.fixture(scope="session")
def helm_program() -> str:
    try:
        return str(parts.program("helm"))
    except ClusterError as error:
        found = shutil.which("helm")
        if found:
            return found
        if os.environ.get("MIZZEN_CI_STRICT") == "1":
            pytest.fail(f"no helm, and MIZZEN_CI_STRICT=1\n{error}", pytrace=False)
        pytest.skip(f"no helm on PATH, and {error}")


@pytest.fixture(scope="session")
def model(helm_program: str) -> Helm:
    """charts/mizzen-model, to be released as `flights`."""
    return Helm(helm_program, CHARTS / "mizzen-model", "flights")


@pytest.fixture
def everything() -> dict[str, Any]:
    return EVERYTHING
