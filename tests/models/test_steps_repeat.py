"""The train step: same inputs, same weights; what it hands on is complete and loadable."""

from __future__ import annotations

import hashlib

import pytest

from mizzen.errors import IntegrityError, InvalidProject, UserError

from .conftest import TORCH, Make, read_json, rides


@pytest.mark.parametrize("trainer", [TORCH, {"kind": "lightgbm", "parameters": {}}])
def test_the_same_inputs_give_the_same_weights_hash(
    harness: Make, trainer: dict[str, object]
) -> None:
    made = harness(trainer=trainer)
    hashes = {read_json(made.train() / "manifest.json")["weights_hash"] for _ in range(2)}
    assert len(hashes) == 1
    made.split(rides(seed=1))
    assert read_json(made.train() / "manifest.json")["weights_hash"] not in hashes


def test_a_model_folder_says_what_it_holds(harness: Make) -> None:
    made = harness(trainer=TORCH)
    model = made.train()
    manifest = read_json(model / "manifest.json")
    assert (manifest["framework"], manifest["task"]) == ("torch", "binary")
    assert manifest["model"] == "model:build"
    assert set(manifest["libraries"]) == {"torch", "safetensors"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((model / name).read_bytes()).hexdigest() == digest
    assert sorted(path.name for path in made.folder.iterdir() if "part" in path.name) == []


def test_an_unknown_trainer_lists_the_known_ones(harness: Make) -> None:
    with pytest.raises(UserError, match=r"lightgbm(.|\n)*python(.|\n)*torch"):
        harness().train(kind="xgboost")


def test_a_trainer_that_only_serves_is_refused(harness: Make) -> None:
    with pytest.raises(UserError, match=r"onnx trains nothing"):
        harness().train(kind="onnx", parameters={})


def test_an_encoder_of_other_features_is_refused(harness: Make) -> None:
    made = harness()
    made.document["features"] = {"columns": [{"name": "distance"}]}
    with pytest.raises(IntegrityError, match=r"other features"):
        made.train()


def test_code_that_is_not_in_the_bundle_is_named(harness: Make) -> None:
    made = harness(trainer=TORCH)
    with pytest.raises(InvalidProject, match=r"nowhere"):
        made.train(model="nowhere:build")
