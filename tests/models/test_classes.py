"""What a class is called, from training to its labels that arrive later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.tables import read_table
from mizzen.core.labels import label_numbers
from mizzen.core.true_labels import LabelRule
from mizzen.errors import InvalidData
from mizzen_serving.outputs import Outputs

from .conftest import Make, rides


@pytest.mark.parametrize("kind", ["bool", "boolean", "object", "text"])
def test_a_boolean_label_is_the_same_in_training_evaluation_answers_and_labels(
    harness: Make, kind: str
) -> None:
    frame = rides(600)
    late = frame["late"] == 1
    if kind == "text":
        late = late.map({True: "true", False: "false"})
    elif kind != "bool":  # with nulls, which are not trained on
        late = late.astype(kind).mask(frame.index % 50 == 0, pd.NA if kind == "boolean" else None)
    made = harness(frame.assign(late=late))
    model = made.train()
    classes = read_manifest(model)[1].classes
    figures, folder = made.evaluate(model)
    assert classes == ("false", "true")
    assert figures.value is not None
    assert figures.value > 0.7
    kept = read_table(folder / "predictions.parquet")
    numbers = label_numbers(kept["late"].to_numpy(), "binary", classes)
    assert set(numbers) == {0.0, 1.0}
    assert kept["probability"][numbers == 1].mean() > kept["probability"][numbers == 0].mean()
    answered: list[Any] = Outputs("binary", classes).shape([0.9, 0.1])
    assert [one.label for one in answered] == ["true", "false"]
    rule = LabelRule("binary", classes)
    stored = [rule.read(value) for value in (True, False, np.True_, "true")]
    assert stored == ["true", "false", "true", "true"]
    assert label_numbers(np.array(stored), "binary", classes).tolist() == [1, 0, 1, 1]
    for other in (1, "True", "yes"):
        with pytest.raises(InvalidData, match="allowed: false, true"):
            rule.read(other)


@pytest.mark.parametrize("positive", ["0", 0])
def test_a_probability_is_of_the_class_that_the_project_names(harness: Make, positive: Any) -> None:
    made = harness(rides(600), label={"column": "late", "positive": positive})
    model = made.train()
    figures, folder = made.evaluate(model)
    classes = read_manifest(model)[1].classes
    assert classes == ("1", "0")
    assert figures.value is not None
    assert figures.value > 0.7
    kept = read_table(folder / "predictions.parquet")
    early = kept["late"].astype(str) == "0"
    assert kept["probability"][early].mean() > kept["probability"][~early].mean()
    answered: list[Any] = Outputs("binary", classes).shape([0.9, 0.1])
    assert [one.label for one in answered] == [0, 1]
