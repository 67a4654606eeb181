"""A model is the same one at every load, or it is refused when it has been trained."""

from __future__ import annotations

import numpy as np
import pytest

from mizzen.adapters.tables import read_table
from mizzen.errors import StepFailed

from .conftest import TORCH, Make

NETWORK = """
import random
import secrets
import numpy as np
import torch
from torch import nn

AT_IMPORT = np.random.normal()

class Net(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.layer = nn.Linear(inputs.numbers, inputs.outputs)
        {drawn}

    def forward(self, numbers, codes):
        return self.layer(numbers) + self.shift


def build(inputs):
    return Net(inputs)
"""
DRAWN = {
    "torch": "self.shift = torch.randn(1)",
    "numpy": "self.shift = float(np.random.normal())",
    "a generator without a seed": "self.shift = float(np.random.default_rng().normal())",
    "random": "self.shift = random.gauss(0, 1)",
    "the system": "self.shift = secrets.randbelow(1000) / 100",
    "an import": "self.shift = AT_IMPORT",
    "a buffer that is not kept": (
        "self.register_buffer('shift', torch.randn(1), persistent=False)"
    ),
}
KEPT = {
    "a buffer": "self.register_buffer('shift', torch.randn(1))",
    "a seed of its own": "self.shift = float(np.random.default_rng(7).normal())",
}


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=DRAWN)
def test_a_module_that_draws_what_it_does_not_keep_is_refused(harness: Make, drawn: str) -> None:
    made = harness(trainer=TORCH)
    made.pack(model=NETWORK.format(drawn=drawn))
    with pytest.raises(StepFailed, match=r"another one each time(.|\n)*register_buffer"):
        made.train()
    assert not (made.folder / "model-1").exists()


@pytest.mark.parametrize("drawn", KEPT.values(), ids=KEPT)
def test_a_module_that_keeps_what_it_draws_is_the_same_at_every_load(
    harness: Make, drawn: str
) -> None:
    made = harness(trainer=TORCH)
    made.pack(model=NETWORK.format(drawn=drawn))
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    rows = read_table(made.folder / "test.parquet")
    answers = [made.predict(rows, version)["probability"].to_numpy() for _ in range(2)]
    assert np.array_equal(*answers)


OWN = """
import numpy as np

def fit(job):
    return {"mean": np.array([job.labels.mean()])}

def load(kept):
    noise = np.random.uniform(0, 0.1)
    return lambda rows: np.full(len(rows.codes), kept["mean"][0] + noise)
"""


def test_an_own_trainer_whose_load_draws_numbers_is_refused(harness: Make) -> None:
    made = harness(trainer={"kind": "python", "function": "own:fit"})
    made.pack(own=OWN)
    with pytest.raises(StepFailed, match="another one each time it is loaded"):
        made.train()


def test_loading_leaves_the_random_generators_as_they_were(harness: Make) -> None:
    made = harness(trainer={"kind": "python", "function": "own:fit"})
    made.pack(own=OWN.replace("np.random.uniform(0, 0.1)", "0 * np.random.uniform()"))
    model = made.train()
    np.random.seed(5)
    made.evaluate(model)
    assert np.random.random() == np.random.RandomState(5).random_sample()
