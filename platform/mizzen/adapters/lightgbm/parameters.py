"""What `trainer.parameters` may hold for `kind: lightgbm`: LightGBM's own names and aliases.

LightGBM itself only warns about a misspelt name; here it is an error with the nearest names.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from mizzen.errors import InvalidProject
from mizzen.spec.training import Trainer

OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
ROUNDS = 100

# Named by the platform, with where a project says it instead.
_OURS = {
    "seed": "trainer.seed",
    "num_threads": "trainer.resources.cpu",
    "num_class": "the label's classes",
    "deterministic": "always on",
    "force_row_wise": "always on",
    "force_col_wise": "rows it is, so that runs repeat",
    "categorical_feature": "features with `kind: category`",
    "early_stopping_round": "num_iterations; there are no validation rows to stop on",
    "metric": "evaluation.metrics",
    "data": "data.source",
    "valid": "split",
    "task": "task",
    "config": "trainer.parameters",
    "input_model": "nothing: every fit starts from its data",
    "output_model": "nothing: the model is registered",
    "machines": "nothing: training is on one machine",
    "num_machines": "nothing: training is on one machine",
}


def read_parameters(trainer: Trainer, task: str, classes: int) -> tuple[dict[str, Any], int]:
    """All parameters of a deterministic fit, and the number of rounds.

    Raises:
        InvalidProject: a name that LightGBM does not know, or one that is set elsewhere.
    """
    names = _names()
    given = {_canonical(name, names): value for name, value in trainer.parameters.items()}
    rounds = given.pop("num_iterations", ROUNDS)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise InvalidProject("num_iterations must be a whole number above 0", given=rounds)
    objective = given.pop("objective", OBJECTIVES[task])
    if task != "regression" and objective != OBJECTIVES[task]:
        raise InvalidProject(
            f"objective {objective!r} does not predict probabilities of a {task} task",
            allowed=OBJECTIVES[task],
        )
    several = {"num_class": classes} if task == "multiclass" else {}
    return {**given, "objective": objective, **several, **_fixed(trainer)}, rounds


def _fixed(trainer: Trainer) -> dict[str, Any]:
    return {
        "seed": trainer.seed,
        "num_threads": trainer.resources.cpu,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _canonical(name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        close = get_close_matches(name, names, n=3)
        raise InvalidProject(
            f"unknown parameter {name!r} of the lightgbm trainer",
            allowed=", ".join(close) if close else "the names in LightGBM's documentation",
        )
    canonical = names[name]
    if canonical in _OURS:
        raise InvalidProject(
            f"parameter {name!r} is set by the platform", next_step=f"use {_OURS[canonical]}"
        )
    return canonical


def _names() -> dict[str, str]:
    """Every name and alias that the installed LightGBM knows -> its main name."""
    from lightgbm.basic import _ConfigAliases

    known: dict[str, list[str]] = _ConfigAliases._get_all_param_aliases()
    return {name: main for main, aliases in known.items() for name in (main, *aliases)}
