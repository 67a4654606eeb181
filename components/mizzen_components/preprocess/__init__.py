"""The `preprocess` step: rows divided without leaks, and the encoding learnt from one side.

Runs between features and training. Everything learnt here (means, deviations, categories,
classes) comes from training rows only; the held-out rows are looked at for their types alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mizzen.adapters.tables import read_table, read_types, write_table
from mizzen.core.encoding import Encoder, fit_category, fit_number
from mizzen.core.labels import fit_classes
from mizzen.core.oddities import oddities
from mizzen.spec.data import Data, Label
from mizzen.spec.features import Features
from mizzen_components.preprocess.complete import CompleteRows, complete_rows
from mizzen_components.preprocess.divide import Sides, divide
from mizzen_components.preprocess.inputs import check_inputs, check_known
from mizzen_components.preprocess.leaks import check_leaks

if TYPE_CHECKING:
    import pandas as pd


class PreprocessFigures(NamedTuple):
    """`unlabelled`: rows left out because their label is null. `incomplete`: rows left out
    because labels were not complete yet for rows as new as they, or their own label became known
    after the window's end. `withheld`: rows before the split of which that is so at the split,
    left out of training. `label_delay`: after so many days labels count as complete: declared, or
    measured where `label.time` tells when each became known."""

    train_rows: int
    test_rows: int
    unlabelled: int
    withheld: int
    incomplete: int
    label_delay: float


def run(
    *,
    frame: Path,
    task: str,
    data: dict[str, Any],
    features: dict[str, Any],
    label: dict[str, Any],
    split: dict[str, Any],
    end: str,
    train: Path,
    test: Path,
    encoder: Path,
) -> PreprocessFigures:
    """Divide the labelled rows, fit the encoder, write both sides in their given order.

    Args:
        frame: rows with key, event time, label and every feature.
        end: the window's end as an ISO instant: what became known later is not used, and a
            split by time counts back from where labels are complete then; "" takes the next
            whole unit of `split.test` after the last event with a complete label.

    Raises:
        InvalidData: a feature is missing, of the wrong type, null in every training row or
            tells the label; a side is empty; the labels do not fit the task.
    """
    described, wanted = Data.model_validate(data), Features.model_validate(features)
    target = Label.model_validate(label)
    rows = read_table(frame)
    sides, complete = divided(rows, described, wanted, target, task, split, end)
    fitted = fit(sides.train, wanted, target, task, read_types(frame))
    _report_oddities(sides.train, wanted)
    write_table(sides.train, train)
    write_table(sides.test, test)
    encoder.parent.mkdir(parents=True, exist_ok=True)
    encoder.write_text(fitted.to_json(), encoding="utf-8")
    unlabelled = int(rows[target.column].isna().sum())
    return PreprocessFigures(
        len(sides.train),
        len(sides.test),
        unlabelled,
        sides.withheld,
        complete.incomplete,
        round(complete.delay.total_seconds() / 86_400, 3),
    )


def _report_oddities(train: pd.DataFrame, features: Features) -> None:
    for column in features.inputs:
        if column.kind == "number":
            for sentence in oddities(column.name, train[column.name].to_numpy()):
                print(sentence, flush=True)  # noqa: T201 (the step's log)


def divided(
    rows: pd.DataFrame,
    data: Data,
    features: Features,
    label: Label,
    task: str,
    split: dict[str, Any],
    end: str,
) -> tuple[Sides, CompleteRows]:
    """Both sides of the rows whose labels are complete, and those rows; see `run`."""
    check_inputs(rows, features, label)
    labelled = rows[rows[label.column].notna()]
    if task == "binary":  # a third class on the test side is as wrong as one in training
        fit_classes(labelled[label.column].to_numpy(), task, label.positive)
    complete = complete_rows(labelled, data, label, task, end)
    return divide(complete, data, label, split, end), complete


def fit(
    train: pd.DataFrame, features: Features, label: Label, task: str, types: Mapping[str, str]
) -> Encoder:
    """The encoder of the training rows.

    Args:
        types: what columns of names were in their source.

    Raises:
        InvalidData: one class only, a feature without a value, a feature that tells the label.
    """
    classes = fit_classes(train[label.column].to_numpy(), task, label.positive)
    check_known(train, features)
    check_leaks(train, features, label, task, classes)
    numbers = [c.name for c in features.inputs if c.kind == "number"]
    categories = [c.name for c in features.inputs if c.kind == "category"]
    learnt = {*numbers, *categories, label.column}
    return Encoder(
        tuple(fit_number(name, train[name].to_numpy()) for name in numbers),
        tuple(
            fit_category(name, train[name].to_numpy(), types.get(name, "text"))
            for name in categories
        ),
        classes,
        tuple((name, kind) for name, kind in sorted(types.items()) if name not in learnt),
    )
