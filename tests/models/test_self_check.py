"""A model whose answer for a row depends on other rows, or on chance, is refused when it is
trained: no service could give the answers that it was measured with."""

from __future__ import annotations

import pytest

from mizzen.errors import StepFailed

from .conftest import MODEL, TORCH, Make

DEPENDENT = {
    "statistics of the batch": "nn.BatchNorm1d(16, track_running_stats=False)",
    "dropout that is always on": "Always()",
    "functional dropout": "Functional()",
    "the mean of the batch taken away": "Centred()",
    "the largest of the batch": "Largest()",
}
LAYERS = """

class Always(nn.Dropout):
    def train(self, mode=True):
        return super().train(True)


class Functional(nn.Module):
    def forward(self, rows):
        return nn.functional.dropout(rows, 0.2, training=True)


class Centred(nn.Module):
    def forward(self, rows):
        return rows - rows.mean(0, keepdim=True)


class Largest(nn.Module):
    def forward(self, rows):
        return rows / (1 + rows.abs().max())
"""
OWN = """
import numpy as np

def fit(job):
    return {{"weights": np.linspace(0.1, 0.9, job.rows.numbers.shape[1])}}

def load(kept):
    calls = []

    def predict(rows):
        calls.append(1)
        values = np.nan_to_num(rows.numbers) @ kept["weights"]
        return {answer}

    return predict
"""


@pytest.mark.parametrize("layer", DEPENDENT.values(), ids=DEPENDENT)
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_network_whose_answers_depend_on_the_batch_is_refused(
    harness: Make, task: str, layer: str
) -> None:
    made = harness(task=task, trainer=TORCH)
    text = MODEL.replace("nn.Dropout(0.1)", layer) + LAYERS
    made.pack(model=text)
    with pytest.raises(StepFailed, match=r"depends on the rows|cannot answer rows alone"):
        made.train()
    assert not (made.folder / "model-1").exists()


def test_batch_norm_with_running_statistics_and_plain_dropout_are_fine(harness: Make) -> None:
    made = harness(trainer=TORCH)
    made.pack(model=MODEL.replace("nn.ReLU()", "nn.BatchNorm1d(16), nn.ReLU()"))
    assert made.train().is_dir()


@pytest.mark.parametrize(
    "answer",
    [
        "100 + values - values.mean()",
        "100 + values + 0.1 * len(values)",
        "100 + values + np.arange(len(values))",
        "100 + values + len(calls)",
        "100 + values + np.random.default_rng().normal(size=len(values))",
    ],
)
def test_an_own_trainer_whose_answers_depend_on_more_than_the_row_is_refused(
    harness: Make, answer: str
) -> None:
    made = harness(task="regression", trainer={"kind": "python", "function": "own:fit"})
    made.pack(own=OWN.format(answer=answer))
    with pytest.raises(StepFailed, match=r"depends on the rows"):
        made.train()


def test_targets_far_from_zero_do_not_hide_a_dependence(harness: Make) -> None:
    made = harness(task="regression", trainer={"kind": "python", "function": "own:fit"})
    made.pack(own=OWN.format(answer="1.7e9 + values - values.mean()"))
    with pytest.raises(StepFailed, match=r"among the other rows"):
        made.train()
    made.pack(own=OWN.format(answer="1.7e9 + values"))
    assert made.train().is_dir()
