"""A model version as a Bento: what it holds, and that it runs where nothing else is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.errors import IntegrityError, MissingDependencyError
from mizzen_serving.model import load_model
from mizzen_serving.options import ServeOptions
from mizzen_serving.package import build
from mizzen_serving.requirements import pinned
from mizzen_serving.rowencoding import RowEncoder
from mizzen_tests.tiny_wheel import unpack, write_wheel

from .conftest import build_package

UV = Path(__file__).parents[2] / "requirements" / "uv.sh"
ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}


@pytest.fixture(scope="module")
def bento(package_of, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("with spaces") / ".hidden"
    return build(package_of("regression"), out, version=3)


def test_a_bento_holds_the_package_and_the_code_bit_by_bit(bento, package_of) -> None:
    assert bento.name == "tiny-3"
    package = package_of("regression")
    for file in package.iterdir():
        assert (bento / "src/package" / file.name).read_bytes() == file.read_bytes()
    (wheel,) = (bento / "src/wheels").glob("mizzen-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"mizzen/errors.py", "mizzen_serving/bento.py", "mizzen/py.typed"} <= set(names)
    assert not [name for name in names if name.endswith(".pyc")]


def test_a_bento_pins_everything_and_names_no_index(bento, package_of) -> None:
    lines = (bento / "env/python/requirements.txt").read_text().split()
    assert all(re.match(r"^([a-z0-9.-]+==[0-9][^ +]*|\./wheels/mizzen.*\.whl)$", x) for x in lines)
    trained_with = read_manifest(package_of("regression"))[0].libraries
    assert {f"{name}=={version}" for name, version in trained_with.items()} <= set(lines)
    assert not [line for line in lines if line.startswith(("torch==", "mlflow", "kfp=="))]
    for file in (bento / "env/python").iterdir():
        assert "index-url" not in file.read_text()
    assert not list(bento.rglob("*.pkl"))


def test_what_is_no_package_is_not_packed(tmp_path) -> None:
    with pytest.raises(IntegrityError, match="no model"):
        build(tmp_path, tmp_path / "out", version=1)
    assert not (tmp_path / "out").exists()


def test_a_library_that_is_absent_cannot_be_pinned() -> None:
    with pytest.raises(MissingDependencyError, match="no-such-library is not installed"):
        pinned(["no-such-library"], {})


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """An environment without anything; its Python."""
    return empty_environment(tmp_path_factory.mktemp("empty") / "environment")


@pytest.mark.slow
def test_a_bento_answers_in_an_empty_environment_as_the_model_does(
    bento, environment, package_of, place, tmp_path, free_port, wait_for
) -> None:
    install(environment, bento)
    with serving(environment, bento, tmp_path, free_port(), wait_for) as address:
        told = post(f"{address}/predict", {"rows": [ROW]})
        with urllib.request.urlopen(f"{address}/metrics") as page:  # noqa: S310 - loopback
            assert "mizzen_serving_rows_total 1.0" in page.read().decode()
    model = load_model(ServeOptions(package_of("regression"), 3), place)
    names = [column.name for column in model.project.features.inputs]
    encoded = RowEncoder(model.encoder, names).encode([[ROW[name] for name in names]])
    assert told["predictions"][0]["output"]["value"] == model.predictor.predict(encoded)[0]
    assert list((tmp_path / "home/predictions/tiny").glob("*.seg"))


TRAINER = """
import numpy as np
import tinyboost

def fit(job):
    return {"weight": np.array([2.0])}

def load(kept):
    return lambda rows: tinyboost.times(kept["weight"][0]) * np.ones(len(rows.numbers))
"""


@pytest.mark.slow
def test_a_bento_of_an_own_trainer_brings_the_libraries_that_the_project_names(
    environment, tiny, place_in, tmp_path, free_port, wait_for, monkeypatch
) -> None:
    wheel = write_wheel(tmp_path / "wheels")
    monkeypatch.syspath_prepend(str(unpack(wheel, tmp_path / "site")))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "own.py").write_text(TRAINER)
    trainer = {"kind": "python", "function": "own:fit"}
    project = tiny("regression", trainer=trainer, dependencies=["tinyboost>=2"])
    place = place_in(tmp_path / "home")
    package = build_package(tmp_path / "package", place, project, tmp_path / "code")
    bento = build(package, tmp_path / "bentos", version=1)
    assert "tinyboost==2.1.0" in (bento / "env/python/requirements.txt").read_text()
    install(environment, bento, wheels=wheel.parent)
    with serving(environment, bento, tmp_path, free_port(), wait_for) as address:
        told = post(f"{address}/predict", {"rows": [ROW]})
    assert told["predictions"][0]["output"]["value"] == 6.0


@contextlib.contextmanager
def serving(python: Path, bento: Path, folder: Path, port: int, wait_for) -> Iterator[str]:
    """The address of a Bento that another Python serves."""
    process = subprocess.Popen(
        [str(python), "-m", "bentoml", "serve", str(bento), "--port", str(port)],
        env=bare(MIZZEN_HOME=str(folder / "home"), BENTOML_HOME=str(folder / "bentoml")),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


def bare(**variables: str) -> dict[str, str]:
    """The environment without anything that could lend the Bento our packages."""
    ours = ("PYTHON", "VIRTUAL_ENV", "MIZZEN", "BENTOML")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, **variables, "BENTOML_DO_NOT_TRACK": "True"}


def empty_environment(folder: Path) -> Path:
    run_uv("venv", "-q", "--python", sys.executable, str(folder))
    return folder / "bin" / "python"


def install(python: Path, bento: Path, wheels: Path | None = None) -> None:
    requirements = str(bento / "env/python/requirements.txt")
    links = {} if wheels is None else {"UV_FIND_LINKS": str(wheels)}
    words = ("pip", "install", "-q", "--python", str(python), "-r", requirements)
    run_uv(*words, folder=bento / "src", **links)


def run_uv(*words: str, folder: Path | None = None, **variables: str) -> None:
    """uv as `make setup` has it, with the machine's settings of pip; it takes what is in its cache
    already, which makes an environment in seconds."""
    done = subprocess.run(
        [str(UV), sys.prefix, *words],
        cwd=folder,
        env=bare(**variables),
        timeout=500,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def post(url: str, document: object) -> dict:
    head = {"Content-Type": "application/json"}
    body = json.dumps(document).encode()
    request = urllib.request.Request(url, body, head)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())
