"""The examples' projects and tables, read once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters.bundle import load_function
from mizzen.spec import ProjectSpec, load_project
from mizzen.spec.data import PythonSource

EXAMPLES = Path(__file__).parents[2] / "pipelines" / "examples"
FLIGHTS = EXAMPLES / "flights"
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="session")
def flights_project() -> ProjectSpec:
    return load_project(FLIGHTS)


@pytest.fixture(scope="session")
def flights(flights_project: ProjectSpec) -> Tables:
    source = flights_project.data.source
    assert isinstance(source, PythonSource)
    tables: Tables = load_function(FLIGHTS, source.python)()
    return tables


@pytest.fixture(scope="session")
def flights_view(flights_project: ProjectSpec) -> Callable[[str, Tables], pd.DataFrame]:
    """A view's name and tables -> what the project's function makes of them."""
    functions: dict[str, Any] = {
        view.name: load_function(FLIGHTS, view.source) for view in flights_project.features.views
    }
    return lambda name, tables: functions[name](tables)
