"""Parameters that LightGBM takes one per feature, such as `monotone_constraints`.

A project gives them by name, or as a list in the order of its description. LightGBM goes by the
order of its matrix (numbers first, then categories), which no project needs to know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mizzen.errors import InvalidProject
from mizzen.ports.framework import TrainingJob

_MAX_BIN = 255  # LightGBM's own default
GROUPS = "interaction_constraints"
# The value of a feature that a mapping leaves out.
_DEFAULTS: Mapping[str, float] = {
    "monotone_constraints": 0,
    "feature_contri": 1.0,
    "max_bin_by_feature": _MAX_BIN,
    "cegb_penalty_feature_lazy": 0.0,
    "cegb_penalty_feature_coupled": 0.0,
}
BY_FEATURE = (*_DEFAULTS, GROUPS)


def by_feature(name: str, given: Any, job: TrainingJob, others: Mapping[str, Any]) -> list[Any]:
    """The parameter in the order of the matrix.

    Raises:
        InvalidProject: a feature that the model does not have, a list of another length, or a
            value that the parameter cannot have.
    """
    order = job.inputs or job.encoder.columns
    if isinstance(given, str):
        given = _listed(name, given)
    if name == GROUPS:
        return _groups(given, order, job.encoder.columns)
    values = given if isinstance(given, Mapping) else _paired(name, given, order)
    for feature in values:
        _check_feature(name, feature, order)
    default = others.get("max_bin", _MAX_BIN) if name == "max_bin_by_feature" else _DEFAULTS[name]
    placed = [values.get(feature, default) for feature in job.encoder.columns]
    numbers = len(job.encoder.numbers)
    for place, (feature, value) in enumerate(zip(job.encoder.columns, placed, strict=True)):
        _check_value(name, feature, value, place >= numbers)
    return placed


def _listed(name: str, text: str) -> list[Any]:
    try:
        listed: list[Any] = json.loads(f"[{text}]")
    except ValueError:
        raise InvalidProject(f"trainer.parameters.{name} is no list", given=text) from None
    return listed


def _paired(name: str, given: Any, order: Sequence[str]) -> dict[str, Any]:
    if not isinstance(given, list) or len(given) != len(order):
        raise InvalidProject(
            f"trainer.parameters.{name} does not fit the features",
            given=f"{len(given)} values" if isinstance(given, list) else given,
            allowed=f"one value for each of {', '.join(order)}, in this order; or a mapping of "
            "feature to value",
        )
    return dict(zip(order, given, strict=True))


def _groups(given: Any, order: Sequence[str], columns: Sequence[str]) -> list[list[int]]:
    if not isinstance(given, list) or not all(isinstance(group, list) for group in given):
        raise InvalidProject(
            f"trainer.parameters.{GROUPS} is no list of lists",
            given=given,
            allowed="lists of features that may meet in a tree, such as [[a, b], [c]]",
        )
    return [[columns.index(_named(feature, order)) for feature in group] for group in given]


def _named(feature: Any, order: Sequence[str]) -> str:
    """A feature's name, from its name or its place in the description."""
    if isinstance(feature, int) and not isinstance(feature, bool) and 0 <= feature < len(order):
        return order[feature]
    _check_feature(GROUPS, feature, order)
    return str(feature)


def _check_feature(name: str, feature: Any, order: Sequence[str]) -> None:
    if feature not in order:
        close = get_close_matches(str(feature), order, n=1)
        raise InvalidProject(
            f"trainer.parameters.{name} names {feature!r}, which is no feature of the model",
            allowed=", ".join(order),
            next_step=f"did you mean {close[0]!r}?" if close else None,
        )


def _check_value(name: str, feature: str, value: Any, is_category: bool) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "monotone_constraints":
        sound, allowed = number and value in (-1, 0, 1), "-1, 0 or 1"
        if sound and value and is_category:
            sound, allowed = False, "0 for a category: its names have no order"
    elif name == "max_bin_by_feature":
        sound, allowed = isinstance(value, int) and number and value > 1, "whole numbers above 1"
    else:
        sound, allowed = number and value >= 0, "numbers of 0 or more"
    if not sound:
        raise InvalidProject(
            f"trainer.parameters.{name} of {feature!r} cannot be {value!r}", allowed=allowed
        )
