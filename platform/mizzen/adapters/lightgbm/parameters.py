"""What `trainer.parameters` may hold for `kind: lightgbm`: LightGBM's own names and aliases.

LightGBM itself only warns about a misspelt name, and ignores what does not apply; here both are
errors. Every name of the installed version stands in one of the tables below or is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from mizzen.adapters.lightgbm.by_feature import BY_FEATURE, by_feature
from mizzen.errors import InvalidProject
from mizzen.ports.framework import TrainingJob

OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
ROUNDS = 100
# LightGBM's names for one objective -> the first of them
_REGRESSIONS = {
    **dict.fromkeys(
        ("regression", "regression_l2", "l2", "mean_squared_error", "mse", "l2_root",
         "root_mean_squared_error", "rmse"), "regression",
    ),
    **dict.fromkeys(("regression_l1", "l1", "mean_absolute_error", "mae"), "regression_l1"),
    **dict.fromkeys(("mape", "mean_absolute_percentage_error"), "mape"),
    **dict.fromkeys(("cross_entropy", "xentropy"), "cross_entropy"),
    **dict.fromkeys(("cross_entropy_lambda", "xentlambda"), "cross_entropy_lambda"),
    **{name: name for name in ("huber", "fair", "poisson", "quantile", "gamma", "tweedie")},
}  # fmt: skip

# Named by the platform, with where a project says it instead.
SET_BY_US = {
    "seed": "trainer.seed",
    "num_threads": "trainer.resources.cpu",
    "num_class": "the label's classes",
    "deterministic": "nothing: it is always on",
    "force_row_wise": "nothing: it is always on",
    "force_col_wise": "nothing: rows it is, so that runs repeat",
    "verbosity": "nothing: it is always -1",
    "categorical_feature": "features with `kind: category`",
    "ignore_column": "`features`: leave the column out",
    "label_column": "label.column",
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
_FILE = "rows come from data.source, not from a file that LightGBM reads"
_BESIDE = "a file beside the project is neither in its bundle nor in the key of the step"
_METRIC = "LightGBM measures nothing here; see evaluation.metrics"
_PREDICTION = "it belongs to LightGBM's own predictions; these are the service's"
_NETWORK = "training is on one machine"
_RANKING = "ranking is no task here"
_GPU = "trees are trained on the CPU, so that runs repeat"
# Read by LightGBM where there is nothing of the kind here, with the reason.
WITHOUT_EFFECT = {
    "weight_column": "rows have no weights; is_unbalance and scale_pos_weight weigh two classes",
    "forcedsplits_filename": _BESIDE,
    "forcedbins_filename": _BESIDE,
    "saved_feature_importance_type": "nothing reads it",
    "convert_model": "the model is kept as LightGBM's text",
    "convert_model_language": "the model is kept as LightGBM's text",
    "refit_decay_rate": "nothing is refitted",
    "snapshot_freq": "no half model is kept",
    **dict.fromkeys(
        ("header", "two_round", "save_binary", "pre_partition", "precise_float_parser",
         "parser_config_file"), _FILE,
    ),
    **dict.fromkeys(
        ("metric_freq", "first_metric_only", "is_provide_training_metric", "eval_at",
         "multi_error_top_k", "auc_mu_weights", "early_stopping_min_delta"), _METRIC,
    ),
    **dict.fromkeys(
        ("predict_raw_score", "predict_leaf_index", "predict_contrib", "output_result",
         "predict_disable_shape_check", "pred_early_stop",
         "pred_early_stop_freq", "pred_early_stop_margin", "start_iteration_predict",
         "num_iteration_predict"), _PREDICTION,
    ),
    **dict.fromkeys(
        ("machine_list_filename", "local_listen_port", "time_out", "top_k"), _NETWORK
    ),
    **dict.fromkeys(
        ("group_column", "bagging_by_query", "label_gain", "lambdarank_truncation_level",
         "lambdarank_norm", "lambdarank_position_bias_regularization", "objective_seed"), _RANKING,
    ),
    **dict.fromkeys(
        ("gpu_platform_id", "gpu_device_id", "gpu_device_id_list", "gpu_use_dp", "num_gpu"), _GPU
    ),
}  # fmt: skip
# The only value that has an effect on one machine without a GPU, with the reason.
ONE_VALUE = {"device_type": ("cpu", _GPU), "tree_learner": ("serial", _NETWORK)}
_BAGGING = ("bagging_fraction", "pos_bagging_fraction", "neg_bagging_fraction")
_DART = ("drop_rate", "max_drop", "skip_drop", "xgboost_dart_mode", "uniform_drop", "drop_seed")
_QUANTIZED = ("num_grad_quant_bins", "quant_train_renew_leaf", "stochastic_rounding")


def read_parameters(job: TrainingJob) -> tuple[dict[str, Any], int]:
    """All parameters of a deterministic fit, and the number of rounds. What is given by feature
    stands in the order of the encoder's columns.

    Raises:
        InvalidProject: a name that LightGBM does not know, that is set elsewhere, or that has no
            effect.
    """
    given = _given(job.trainer.parameters)
    rounds = given.pop("num_iterations", ROUNDS)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise InvalidProject("num_iterations must be a whole number above 0", given=rounds)
    objective = _objective(given.pop("objective", OBJECTIVES[job.task]), job.task)
    _check_effects(given, objective)
    for name in BY_FEATURE:
        if name in given:
            given[name] = by_feature(name, given[name], job, given)
    several = {"num_class": len(job.encoder.classes)} if job.task == "multiclass" else {}
    return {**given, "objective": objective, **several, **_fixed(job)}, rounds


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    names = known_names()
    given: dict[str, Any] = {}
    for name, value in parameters.items():
        main = _canonical(name, names)
        if main in given:
            raise InvalidProject(
                f"parameter {main!r} of the lightgbm trainer is given twice",
                given=", ".join(n for n in parameters if names.get(n) == main),
                next_step="keep one of the names; they mean the same",
            )
        if value is None:
            raise InvalidProject(f"parameter {name!r} has no value", next_step="remove it")
        _check_value(name, main, value)
        given[main] = value
    return given


def _objective(given: Any, task: str) -> str:
    if task != "regression":
        if given != OBJECTIVES[task]:
            raise InvalidProject(
                f"objective {given!r} does not predict probabilities of a {task} task",
                allowed=OBJECTIVES[task],
            )
        return OBJECTIVES[task]
    if given not in _REGRESSIONS:
        raise InvalidProject(
            f"objective {given!r} is none of a regression",
            allowed=", ".join(dict.fromkeys(_REGRESSIONS.values())),
        )
    return _REGRESSIONS[given]


def _fixed(job: TrainingJob) -> dict[str, Any]:
    return {
        "seed": job.trainer.seed,
        "num_threads": job.trainer.resources.cpu,
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
    if canonical in SET_BY_US:
        raise InvalidProject(
            f"parameter {name!r} is set by the platform", next_step=f"use {SET_BY_US[canonical]}"
        )
    if canonical in WITHOUT_EFFECT:
        raise _without_effect(name, WITHOUT_EFFECT[canonical])
    return canonical


def _check_value(name: str, main: str, value: Any) -> None:
    if main in ONE_VALUE and value != ONE_VALUE[main][0]:
        allowed, reason = ONE_VALUE[main]
        raise InvalidProject(
            f"parameter {name!r} cannot be {value!r} here", given=reason, allowed=allowed
        )


def _check_effects(given: Mapping[str, Any], objective: str) -> None:
    """What needs another parameter has it: LightGBM would ignore it without a word."""
    for name, works, needed in _effects(given, objective):
        if name in given and not works:
            raise _without_effect(name, f"it needs {needed}")


def _effects(given: Mapping[str, Any], objective: str) -> list[tuple[str, bool, str]]:
    boosting, goss = given.get("boosting", "gbdt"), given.get("data_sample_strategy") == "goss"
    goss = goss or boosting == "goss"
    bagged = any(given.get(name, 1.0) != 1.0 for name in _BAGGING)
    cegb = any(name in given for name in given if name.startswith("cegb_penalty"))
    return [
        ("alpha", objective in ("huber", "quantile"), "objective: huber or quantile"),
        ("fair_c", objective == "fair", "objective: fair"),
        ("poisson_max_delta_step", objective == "poisson", "objective: poisson"),
        ("tweedie_variance_power", objective == "tweedie", "objective: tweedie"),
        ("reg_sqrt", objective == "regression", "objective: regression"),
        *((name, objective == "binary", "task: binary")
          for name in ("scale_pos_weight", "is_unbalance", "sigmoid")),
        *((name, given.get("bagging_freq", 0) > 0, "bagging_freq above 0")
          for name in (*_BAGGING, "bagging_seed")),
        ("bagging_freq", bagged, "bagging_fraction below 1"),
        *((name, boosting == "dart", "boosting: dart") for name in _DART),
        *((name, goss, "data_sample_strategy: goss") for name in ("top_rate", "other_rate")),
        ("extra_seed", bool(given.get("extra_trees")), "extra_trees: true"),
        ("linear_lambda", bool(given.get("linear_tree")), "linear_tree: true"),
        *((name, "monotone_constraints" in given, "monotone_constraints")
          for name in ("monotone_penalty", "monotone_constraints_method")),
        *((name, bool(given.get("use_quantized_grad")), "use_quantized_grad: true")
          for name in _QUANTIZED),
        ("cegb_tradeoff", cegb, "a cegb_penalty"),
    ]  # fmt: skip


def _without_effect(name: str, reason: str) -> InvalidProject:
    return InvalidProject(
        f"parameter {name!r} of the lightgbm trainer has no effect",
        given=reason,
        next_step="remove it from trainer.parameters, or add what it needs",
    )


def known_names() -> dict[str, str]:
    """Every name and alias that the installed LightGBM knows -> its main name."""
    from lightgbm.basic import _ConfigAliases

    known: dict[str, list[str]] = _ConfigAliases._get_all_param_aliases()
    return {name: main for main, aliases in known.items() for name in (main, *aliases)}
