"""The program behind `make images`, without building: what it refuses, what it tells the engine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from imagebuild import cli, declare, dockerfiles, engines, pins, settings
from imagebuild.build import EPOCH, TESTS_BASE, base_image
from imagebuild.catalog import ROOT, chosen, images
from imagebuild.engines import Buildah, BuiltImage, Docker, Order

from mizzen.adapters.images.contents import DECLARED
from mizzen.errors import UserError

ORDER = Order(
    tag="mizzen/core:1",
    dockerfile=Path("Dockerfile"),
    context=Path("context"),
    target="image",
    arguments={"BASE_IMAGE": "python:3.11-slim"},
    secrets={"index": Path("index.secret")},
    epoch=EPOCH,
)
RECORDER = """#!{python}
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1:3] == ["image", "inspect"]:
    print(json.dumps([{{"Id": "sha256:0a", "Size": 5}}]))
sys.exit({status})
"""


class RecordingPath:
    """A PATH on which a program of this name notes how it was called."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._log = folder / "calls"
        self._bin = folder / "bin"
        self._bin.mkdir()
        patch.setenv("PATH", str(self._bin))

    def has(self, name: str, status: int = 0) -> None:
        program = self._bin / name
        text = RECORDER.format(python=sys.executable, log=str(self._log), status=status)
        program.write_text(text)
        program.chmod(0o755)

    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordingPath:
    return RecordingPath(tmp_path, monkeypatch)


class Store(Buildah):
    """An engine whose store is given."""

    def __init__(self, *names: str) -> None:
        self._names = set(names)

    def names(self) -> set[str]:
        return self._names


def test_an_unknown_image_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError) as refused:
        chosen(["sreving"])
    assert refused.value.allowed == "core, tabular, torch, serving, control"


def test_a_base_image_must_be_named_where_there_is_none_of_the_tests() -> None:
    with pytest.raises(UserError) as refused:
        base_image(Store(), "")
    assert "BASE_IMAGE=" in str(refused.value.next_step)
    assert base_image(Store(TESTS_BASE), "") == TESTS_BASE
    assert base_image(Store(TESTS_BASE), "python:3.12-slim") == "python:3.12-slim"


def test_docker_needs_a_named_base_even_where_the_tests_have_one() -> None:
    docker = Docker()
    docker.names = lambda: {TESTS_BASE}  # type: ignore[method-assign]
    with pytest.raises(UserError, match="no base image"):
        base_image(docker, "")


def test_docker_is_taken_where_it_answers(programs: RecordingPath) -> None:
    programs.has("docker")
    programs.has("buildah")
    assert engines.choose().name == "docker"


def test_buildah_is_taken_where_docker_is_a_client_without_an_engine(
    programs: RecordingPath,
) -> None:
    programs.has("docker", status=1)
    programs.has("buildah")
    assert engines.choose().name == "buildah"


def test_a_machine_without_an_engine_is_told_what_to_install(programs: RecordingPath) -> None:
    with pytest.raises(UserError) as refused:
        engines.choose()
    assert "buildah" in str(refused.value.next_step)


def test_docker_is_asked_for_an_image_that_can_be_built_again(programs: RecordingPath) -> None:
    programs.has("docker")
    docker = Docker()
    docker.build(ORDER)
    assert docker.inspect("mizzen/core:1") == BuiltImage("sha256:0a", 5)
    (build, _) = programs.calls()
    assert build[:2] == ["buildx", "build"]
    assert f"--build-arg=SOURCE_DATE_EPOCH={EPOCH}" in build
    assert "--output=type=docker,rewrite-timestamp=true" in build
    assert "--secret=id=index,src=index.secret" in build
    assert build[-1] == "context"


def test_the_settings_of_pip_become_a_script_for_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(settings, "_known", {})
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:a'b@index.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path} https://wheels.example/")
    monkeypatch.setenv("PIP_CACHE_DIR", "/only/here")
    lines = dict(line.split("=", 1) for line in settings.for_steps().splitlines())
    assert lines["UV_DEFAULT_INDEX"] == """'https://user:a'"'"'b@index.example/simple'"""
    assert lines["UV_FIND_LINKS"] == "'/run/links/0 https://wheels.example/'"
    assert "PIP_CACHE_DIR" not in lines
    assert settings.link_folders() == [tmp_path]


def test_the_authorities_of_this_machine_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text("a certificate")
    for name in settings.AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "ca.pem"))
    assert settings.authorities() == "a certificate"


def test_an_image_above_its_bound_is_refused_with_the_reason() -> None:
    (core,) = chosen(["core"])
    with pytest.raises(UserError, match="core is too large") as refused:
        cli.refuse_too_large([core], {"core": BuiltImage("sha256:0a", (core.bound_mb + 1) * 10**6)})
    assert core.why in str(refused.value.allowed)


@pytest.mark.parametrize("name", list(images()))
def test_a_dockerfile_names_no_registry(name: str) -> None:
    text = images()[name].dockerfile.read_text()
    assert "ARG BASE_IMAGE\n" in text
    sources = [line.split()[1] for line in text.splitlines() if line.startswith("FROM ")]
    assert sources == ["${BASE_IMAGE}", "libraries"]


@pytest.mark.parametrize("name", list(images()))
def test_a_dockerfile_is_what_the_template_makes_of_its_image(name: str) -> None:
    image = images()[name]
    assert image.dockerfile.read_text() == dockerfiles.dockerfile(image), "run: make generate"


def test_dockerfiles_differ_only_where_their_images_say_why() -> None:
    """The first one sets the process up; one that is too large for it has no cache."""
    texts = {name: image.dockerfile.read_text() for name, image in images().items()}
    assert {name for name, text in texts.items() if "\nENV " in text} == {"core"}
    assert {name for name, text in texts.items() if "type=cache" not in text} == {"torch"}
    alike = {
        tuple(
            line
            for line in text.splitlines()
            if not line.startswith(("#", "ENV ")) and "type=cache" not in line
        )
        for text in texts.values()
    }
    assert len(alike) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", list(images()))
def test_the_pinned_list_of_an_image_is_the_one_of_the_project(name: str) -> None:
    image = images()[name]
    assert pins.pins(image) == image.requirements.read_text(), "run: make pins"


def test_what_is_declared_of_images_is_what_their_lists_hold() -> None:
    assert DECLARED.read_text() == declare.declared(images().values()), "run: make pins"


def test_pins_of_an_image_are_pins_of_the_project() -> None:
    of_project = set((ROOT / "requirements" / "all.txt").read_text().splitlines())
    known = {line.partition(" ;")[0] for line in of_project}
    for image in images().values():
        lines = image.requirements.read_text().splitlines()
        assert {line.partition(" ;")[0] for line in lines} <= known
