"""The Bento that images serve with: no model, nothing of the machine that builds, never written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from imagebuild.catalog import images
from imagebuild.context import put_bento
from packaging.requirements import Requirement

from mizzen import __version__

from .container import Container

BENTO = "/usr/share/mizzen/bento"  # where charts/mizzen-model looks for it
SERVES = {name for name, image in images().items() if "serving" in image.extras}
PASSWORD = "swordfish-of-the-index"
LOOK = f"""
import json, os
from pathlib import Path
files = [file for file in Path({BENTO!r}).rglob("*") if file.is_file()]
print(json.dumps({{
    "there": os.path.isdir({BENTO!r}),
    "unreadable": [str(f) for f in files if not os.access(f, os.R_OK)],
    "own": [str(f) for f in files if f.stat().st_uid == os.getuid() or f.stat().st_mode & 0o022],
}}))
"""
LOAD = f"""
import bentoml, json
from mizzen_serving.app import ServingApp
service = bentoml.load({BENTO!r})
assert isinstance(service.application, ServingApp), service
print(json.dumps(sorted(service.apis)))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two, of which the second was built where an index has a password and a service is told."""
    one, other = (tmp_path_factory.mktemp("bento") for _ in range(2))
    put_bento(images()["serving"], one)
    with pytest.MonkeyPatch.context() as patch:
        address = f"https://builder:{PASSWORD}@index.example/simple"
        for variable in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
            patch.setenv(variable, address)
        patch.setenv("MIZZEN_SERVING", json.dumps({"package": "/nowhere", "version": 1}))
        put_bento(images()["serving"], other)
    return one, other


def files(folder: Path) -> dict[str, bytes]:
    found = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found}


def test_two_bentos_of_an_image_are_one_whatever_the_machine_is_told(
    built: tuple[Path, Path],
) -> None:
    one, other = map(files, built)
    assert one == other
    assert not [name for name, content in other.items() if PASSWORD.encode() in content]


def test_a_bento_of_an_image_holds_no_model_and_names_what_the_image_holds(
    built: tuple[Path, Path],
) -> None:
    folder = built[0]
    described = yaml.safe_load((folder / "bento.yaml").read_text())
    assert {route["name"] for route in described["schema"]["routes"]} == {"predict", "labels"}
    assert {file.name for file in (folder / "src").iterdir()} == {"service.py", "bentofile.yaml"}
    listed = images()["serving"].requirements.read_text().splitlines()
    named = described["image"]["python_requirements"].splitlines()
    wanted = {Requirement(line) for line in (*listed, f"mizzen=={__version__}")}
    assert {Requirement(line) for line in named} == wanted


def test_images_that_serve_hold_a_bento_that_they_can_read_and_cannot_change(
    image: Container,
) -> None:
    found = json.loads(image.python(LOOK))
    assert found == {"there": image.name in SERVES, "unreadable": [], "own": []}


def test_bentoml_loads_the_bento_of_an_image_as_a_confined_pod_would(
    made: Callable[[str], Container],
) -> None:
    assert json.loads(made("serving").python(LOAD)) == ["labels", "predict"]
