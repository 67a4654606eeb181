"""What every build promises: nothing of the machine that builds, and the same bytes again."""

from __future__ import annotations

import base64
import http.server
import json
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from imagebuild import build as building
from imagebuild import context
from imagebuild.build import Options, build
from imagebuild.catalog import ROOT, Image, chosen
from imagebuild.engines import BUILDAH, Engine

from .container import Container

Made = Callable[[str], Container]
PASSWORD = "swordfish-of-the-index"
REST_OF_THE_WHEEL = {
    "METADATA": "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """An index on this machine that wants a password and has one wheel."""
    folder = tmp_path / "index" / "simple" / "probe"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "probe-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("probe.py", "")
        for name, text in REST_OF_THE_WHEEL.items():
            wheel.writestr(f"probe-1.0.dist-info/{name}", text)
    (folder / "index.html").write_text("<a href='probe-1.0-py3-none-any.whl'>probe</a>")
    handler = partial(Guarded, directory=str(tmp_path / "index"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://builder:{PASSWORD}@127.0.0.1:{server.server_port}/simple"
        server.shutdown()


class Guarded(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        wanted = base64.b64encode(f"builder:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {wanted}":
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()


@pytest.fixture
def probe(tmp_path: Path) -> Image:
    """An image of one library, by core's Dockerfile."""
    (core,) = chosen(["core"])
    folder = tmp_path / "probe"
    folder.mkdir()
    shutil.copy(core.dockerfile, folder)
    (folder / "requirements.txt").write_text("probe==1.0\n")
    return Image("probe", str(folder), "a probe", bound_mb=500, why="a test")


def test_no_layer_and_no_history_keeps_the_index_that_libraries_came_from(
    builder: tuple[Engine, str],
    index: str,
    probe: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine, base = builder
    # the index has neither uv nor what builds a wheel: both are fetched before it is set
    wheel = context.build_wheel(tmp_path / "wheel", building.EPOCH)
    context.fetch_tools(tmp_path / "tools", engine.architecture())
    monkeypatch.setattr(building, "build_wheel", lambda *_: wheel)
    monkeypatch.setattr(
        building, "fetch_tools", lambda to, _: shutil.copytree(tmp_path / "tools", to)
    )
    monkeypatch.setenv("UV_DEFAULT_INDEX", index)
    options = Options(base, "mizzen.test/", "test", tmp_path / "bills", cache=False)
    build(engine, [probe], options, lambda line: None)

    made = Container(engine, "probe", options.name(probe))
    libraries = next(n for n in engine.names() if "mizzen/probe-libraries:" in n)
    try:
        assert "probe" in (tmp_path / "bills" / "probe.sbom.json").read_text()
        assert PASSWORD not in made.history() + json.dumps(made.config())
        for layer in _layers(made, tmp_path):
            assert PASSWORD.encode() not in layer.read_bytes()
    finally:
        for name in (made.tag, libraries):
            engine.forget(name)


def test_two_builds_of_a_tree_are_one_image(
    builder: tuple[Engine, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, base = builder
    core = chosen(["core"])
    # another commit, or a file written meanwhile, is another tree
    wheel = context.build_wheel(tmp_path / "wheel", building.EPOCH)
    monkeypatch.setattr(building, "build_wheel", lambda *_: wheel)
    monkeypatch.setattr(building, "_committed", lambda: "1980-01-01T00:00:00Z")
    # what another commit with the same wheel left in the cache must not be taken for this one
    monkeypatch.setattr(building, "_revision", lambda: "1" * 40)
    before = Options(base, "mizzen.test/", "before", tmp_path / "before")
    build(engine, core, before, lambda line: None)
    monkeypatch.setattr(building, "_revision", lambda: "0" * 40)
    options = [Options(base, "mizzen.test/", tag, tmp_path / tag, tag == "once") for tag in TWICE]
    first, second = (build(engine, core, one, lambda line: None)["core"] for one in options)
    for one in (before, *options):
        engine.forget(one.name(core[0]))
    assert first.digest == second.digest
    bills = [(tmp_path / tag / "core.sbom.json").read_bytes() for tag in TWICE]
    assert bills[0] == bills[1]


TWICE = ("once", "anew")  # from what is cached, and every step anew


def test_two_wheels_of_a_tree_are_one(tmp_path: Path) -> None:
    first, second = (context.build_wheel(tmp_path / n, building.EPOCH) for n in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as wheel:
        packed = {name for name in wheel.namelist() if "/runbook_pages/" in name}
    runbooks = (ROOT / "monitoring" / "runbooks").glob("*.md")
    assert packed == {f"mizzen_monitoring/runbook_pages/{page.name}" for page in runbooks}


def _layers(image: Container, folder: Path) -> list[Path]:
    """Every layer of the image as a file, unpacked archives."""
    if image.engine.name == "docker":
        archive = folder / "image.tar"
        subprocess.run(["docker", "save", f"--output={archive}", image.tag], check=True)
        return [archive]
    target = folder / "layers"
    push = [*BUILDAH, "push", "--quiet", image.tag, f"dir:{target}"]
    subprocess.run(push, check=True, capture_output=True)
    return list(target.iterdir())
