"""`import mizzen` and `mizzen --help` stay light; the core works without any extra."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "alembic",
    "bentoml",
    "cronsim",
    "datasketches",
    "dvc",
    "evidently",
    "fastapi",
    "feast",
    "great_expectations",
    "kfp",
    "kubernetes",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "numba",
    "onnx",
    "pandas",
    "prometheus_client",
    "pyarrow",
    "sklearn",
    "torch",
    "uvicorn",
)
PROBE = "import sys; print('loaded:', *sorted(set(sys.argv[1].split()) & set(sys.modules)))"


def loaded_after(statement: str) -> str:
    code = f"{statement}\n{PROBE}"
    done = subprocess.run(
        [sys.executable, "-c", code, " ".join(HEAVY)], capture_output=True, text=True, check=True
    )
    return done.stdout.rpartition("loaded:")[2].strip()


@pytest.mark.parametrize(
    "statement",
    [
        "import mizzen",
        "import mizzen.spec, mizzen.ports.runner, mizzen.adapters.backends",
        "from mizzen.adapters.backends import BACKENDS",
    ],
)
def test_importing_mizzen_loads_no_heavy_library(statement: str) -> None:
    assert loaded_after(statement) == ""


def test_help_loads_no_heavy_library() -> None:
    help_page = (
        "import sys, contextlib, io\n"
        "from mizzen.cli import main\n"
        "argv, sys.argv = sys.argv, ['mizzen', '--help']\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main()\n"
        "sys.argv = argv"
    )
    assert loaded_after(help_page) == ""
