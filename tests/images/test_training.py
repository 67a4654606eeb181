"""The images for steps hold all that training needs, and what compiled pipelines start in them:
proven by training, under a read-only root and without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mizzen.adapters.kfp.compiler import parse

from .container import NAMES, Container

PIPELINES = Path(__file__).parents[2] / "pipelines"
EXAMPLES = PIPELINES / "examples"
PROGRAM = Path(__file__).with_name("in_image.py").read_text(encoding="utf-8")
OF_IMAGE = {"tabular": "diabetes", "torch": "digits"}


@pytest.mark.parametrize("name", [name for name in NAMES if name in OF_IMAGE])
def test_an_example_is_trained_and_judged_in_its_image(
    name: str, made: Callable[[str], Container]
) -> None:
    image, folder = made(name), EXAMPLES / OF_IMAGE[name]
    sources = [file for file in folder.glob("*.*") if file.is_file()]
    files = {file.name: file.read_text(encoding="utf-8") for file in sources}
    compiled = parse((PIPELINES / "compiled" / f"{OF_IMAGE[name]}-training.yaml").read_text())
    step = compiled["deploymentSpec"]["executors"]["exec-preprocess"]["container"]
    program = ["python", "-c", PROGRAM, json.dumps(files), json.dumps(step["command"])]
    done = image.execute(program)
    assert done.returncode == 0, done.stderr
    judged = json.loads(done.stdout.splitlines()[-1])
    assert judged["blessed"], judged["reason"]
