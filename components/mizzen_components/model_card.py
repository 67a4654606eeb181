"""The model card: one page of Markdown about a model, for people who did not train it.

`evaluate` writes it into its folder, so that a model that the gate held has one too; `register`
writes it again into the package, with the whole provenance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mizzen.spec.project import ProjectSpec

SLICES = 10  # worst ones shown
_IDENTIFIERS = {
    "data version": "data_version",
    "feature version": "feature_version",
    "code": "code",
    "weights": "weights_hash",
}


def card(spec: ProjectSpec, evaluation: Mapping[str, Any], origin: Mapping[str, Any]) -> str:
    """The card's text; `origin` is the provenance document, or as much of it as is known yet:
    `rule` and `reason` at least."""
    parts = [
        f"# {spec.name}",
        spec.description or f"Predicts `{spec.label.column}` ({spec.task}).",
        _verdict(origin),
        "## What it was measured on",
        _measured(evaluation),
        _metrics(evaluation),
        *_slices(evaluation),
        "## What it was trained with",
        _training(spec, origin),
        "## Inputs",
        ", ".join(f"`{column.name}` ({column.kind})" for column in spec.features.inputs),
        "## Limits",
        _limits(spec, evaluation),
    ]
    return "\n\n".join(parts) + "\n"


def _verdict(origin: Mapping[str, Any]) -> str:
    return f"Gate: {origin['reason']} (rule `{origin['rule']}`)."


def _measured(evaluation: Mapping[str, Any]) -> str:
    percent = 100 * evaluation["confidence"]
    parts = [
        f"{evaluation['rows']} held-out rows; intervals hold with {percent:g} % confidence "
        f"({evaluation['resamples']} bootstrap resamples)."
    ]
    if evaluation["left_out"]:
        parts.append(f"{evaluation['left_out']} more were left out: the champion learnt from them.")
    if evaluation["favoured"]:
        parts.append(
            f"The champion learnt from {evaluation['favoured']} of them, which favours it."
        )
    return " ".join(parts)


def _metrics(evaluation: Mapping[str, Any]) -> str:
    lines = ["| metric | value | interval | champion |", "|---|---|---|---|"]
    primary_first = sorted(evaluation["metrics"], key=lambda n: (n != evaluation["primary"], n))
    for name in primary_first:
        record = evaluation["metrics"][name]
        better = "higher is better" if record["higher"] else "lower is better"
        bounds = f"{_number(record['low'])} to {_number(record['high'])}"
        champion = _number(record.get("champion"))
        if record["value"] is None:
            bounds = f"cannot be computed: {record.get('why', 'its value is not finite')}"
        lines.append(f"| {name} ({better}) | {_number(record['value'])} | {bounds} | {champion} |")
    return "\n".join(lines)


def _slices(evaluation: Mapping[str, Any]) -> list[str]:
    known = [part for part in evaluation["slices"] if part["value"] is not None]
    if not known:
        return []
    higher = evaluation["metrics"][evaluation["primary"]]["higher"]
    worst = sorted(known, key=lambda part: part["value"], reverse=not higher)[:SLICES]
    lines = [f"| worst slices | rows | {evaluation['primary']} |", "|---|---|---|"]
    lines += [
        f"| {part['column']} = {part['slice']} | {part['rows']} | {_number(part['value'])} |"
        for part in worst
    ]
    return ["\n".join(lines)]


def _training(spec: ProjectSpec, origin: Mapping[str, Any]) -> str:
    parameters = ", ".join(f"{k}={v}" for k, v in sorted(spec.trainer.parameters.items()))
    lines = [
        f"trainer: {spec.trainer.kind}, seed {spec.trainer.seed}",
        f"parameters: {parameters or 'none'}",
        *_provenance(origin),
    ]
    return "\n".join(f"- {line}" for line in lines)


def _provenance(origin: Mapping[str, Any]) -> Iterator[str]:
    for name, key in _IDENTIFIERS.items():
        if key in origin:
            yield f"{name}: `{origin[key]}`"
    if "git_commit" in origin:
        dirty = ", with uncommitted changes" if origin["git_dirty"] else ""
        yield f"commit: {origin['git_commit'] or 'none (no Git repository)'}{dirty}"
    if "expectations" in origin:
        checks = origin["expectations"]
        yield f"expectations: {checks['checks']} checked, {checks['failed']} failed"


def _limits(spec: ProjectSpec, evaluation: Mapping[str, Any]) -> str:
    limits = [
        "A category that training never saw counts as unknown.",
        "Figures hold for rows like the held-out ones; the drift job tells when they change.",
    ]
    if evaluation["calibration"] is not None:
        error = evaluation["calibration"]["error"]
        limits.append(f"Probabilities are off by {error:.3f} on average (calibration error).")
    if evaluation["unseen_labels"]:
        limits.append(
            f"{evaluation['unseen_labels']} held-out rows of classes that training never saw "
            "were left out."
        )
    if spec.data.event_time is not None:
        limits.append("Inputs are what was known at the event time of a row, and nothing later.")
    return "\n".join(f"- {limit}" for limit in limits)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
