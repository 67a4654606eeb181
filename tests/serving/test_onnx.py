"""A torch model exported to ONNX is served where torch is not installed, and answers alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.control.models import deploy
from mizzen.control.workspace import Workspace
from mizzen.errors import Unsupported
from mizzen_serving.client import Client
from mizzen_serving.model import load_model, read_project
from mizzen_serving.options import ServeOptions
from mizzen_serving.package import as_onnx
from mizzen_serving.rowencoding import RowEncoder

MODEL = '''"""A torch model."""
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.embed = nn.Embedding(inputs.categories[0], 4)
        self.layer = nn.Linear(inputs.numbers + 4, inputs.outputs)

    def forward(self, numbers, codes):
        return self.layer(torch.cat([numbers, self.embed(codes[:, 0])], 1))


def build(inputs):
    return Net(inputs)
'''
ROWS = [
    {"flight": n, "distance": 3.0 * n, "wind": None if n % 3 else 2.5, "carrier": carrier}
    for n, carrier in enumerate(["AA", "UA", None, "ZZ"] * 5)
]


@pytest.fixture
def torch_package(tiny, build_package, place, tmp_path) -> Path:
    code = tmp_path / "code"
    code.mkdir()
    (code / "model.py").write_text(MODEL)
    trainer = {"kind": "torch", "model": "model:build", "parameters": {"epochs": 1}}
    return build_package(tmp_path / "package", place, tiny(trainer=trainer), code=code)


def test_onnx_is_served_without_torch_and_answers_alike(
    torch_package, launch, place, tmp_path
) -> None:
    exported = as_onnx(torch_package, tmp_path / "onnx", place)
    manifest, _ = read_manifest(exported)
    assert (manifest.framework, list(manifest.libraries)) == ("onnx", ["onnxruntime"])
    assert not list(exported.glob("*.safetensors"))
    service = launch(package=exported, absent="torch")
    service.wait_ready()
    with Client(f"http://127.0.0.1:{service.port}") as client:
        served = [answer.output["probability"] for answer in client.predict(ROWS)]
    model = load_model(ServeOptions(torch_package, 3), place)
    names = [column.name for column in model.project.features.inputs]
    encoded = RowEncoder(model.encoder, names).encode([[r[n] for n in names] for r in ROWS])
    assert served == pytest.approx(model.predictor.predict(encoded).tolist(), abs=1e-5)


def test_only_torch_models_become_onnx(package_of, place, tmp_path) -> None:
    with pytest.raises(Unsupported, match="only torch models"):
        as_onnx(package_of("binary"), tmp_path / "onnx", place)
    assert not (tmp_path / "onnx").exists()


@pytest.mark.slow
def test_a_torch_version_is_packed_so_that_it_needs_no_torch(
    torch_package, place, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(deploy, "version_of", lambda workspace, version: version)
    monkeypatch.setattr(deploy, "package_of", lambda workspace, version: torch_package)
    workspace = Workspace(tmp_path, "local", read_project(torch_package), place)
    bento = deploy.package(workspace, 3, None, onnx=True)
    assert bento.parent == place.home / "bentos-onnx"
    manifest, _ = read_manifest(bento / "src" / "package")
    assert manifest.framework == "onnx"
    needs = (bento / "env" / "python" / "requirements.txt").read_text()
    assert "onnxruntime==" in needs
    assert "torch==" not in needs
