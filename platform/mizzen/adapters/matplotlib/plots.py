"""An evaluation's plots as PNG files. Figures are drawn directly, without pyplot's state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

Floats = NDArray[np.float64]
INK, LINE, PALE = "#1f2937", "#2563eb", "#9ca3af"
MOST = 20  # slices in one plot


def draw(
    folder: Path,
    document: dict[str, Any],
    labels: Floats,
    outputs: Floats,
    classes: tuple[str, ...],
) -> list[Path]:
    """Write the plots that the task has; `document` is `metrics.json`. Returns their paths."""
    plots: dict[str, Figure] = {}
    if document["task"] == "binary":
        plots = {"roc": _roc(labels, outputs), "calibration": _calibration(document)}
    elif document["task"] == "multiclass":
        plots = {"confusion": _confusion(labels, outputs, classes)}
    else:
        plots = {"residuals": _residuals(labels, outputs)}
    if document["slices"]:
        plots["slices"] = _slices(document)
    return [_save(figure, folder / f"{name}.png") for name, figure in plots.items()]


def _save(figure: Figure, file: Path) -> Path:
    figure.tight_layout()
    figure.savefig(file, dpi=110, metadata={"Software": None})
    return file


def _axes(title: str, across: str, up: str, size: tuple[float, float] = (5, 4)) -> tuple[Any, Any]:
    figure = Figure(figsize=size)
    axes = figure.subplots()
    axes.set_title(title, color=INK)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _roc(labels: Floats, scores: Floats) -> Figure:
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # one point per distinct score
    hits = np.cumsum(labels[order])[last] / max(1.0, labels.sum())
    alarms = np.cumsum(1 - labels[order])[last] / max(1.0, (1 - labels).sum())
    figure, axes = _axes("Receiver operating characteristic", "false alarms", "hits")
    axes.plot([0, 1], [0, 1], color=PALE, linestyle=":")
    axes.plot(np.append(0, alarms), np.append(0, hits), color=LINE)
    return figure  # type: ignore[no-any-return]


def _calibration(document: dict[str, Any]) -> Figure:
    bins = document["calibration"]["bins"]
    title = f"Calibration (error {document['calibration']['error']:.4f})"
    figure, axes = _axes(title, "predicted probability", "observed share")
    axes.plot([0, 1], [0, 1], color=PALE, linestyle=":")
    across, up = [b["predicted"] for b in bins], [b["observed"] for b in bins]
    axes.plot(across, up, color=LINE, marker="o")
    return figure  # type: ignore[no-any-return]


def _slices(document: dict[str, Any]) -> Figure:
    """The primary metric of the largest slices, with intervals; the champion's beside it."""
    known = [part for part in document["slices"] if part["value"] is not None]
    parts = sorted(known, key=lambda part: -part["rows"])[:MOST][::-1]
    height = 1.2 + 0.28 * max(1, len(parts))
    primary = document["primary"]
    figure, axes = _axes(f"{primary} by slice", primary, "", (6, height))
    for place, part in enumerate(parts):
        if part["low"] is not None:
            axes.plot([part["low"], part["high"]], [place, place], color=LINE)
        axes.plot(part["value"], place, "o", color=LINE)
        if part.get("champion") is not None:
            axes.plot(part["champion"], place, "|", color=INK, markersize=10)
    whole = document["metrics"][primary]["value"]
    if whole is not None:
        axes.axvline(whole, color=PALE, linestyle=":")
    names = [f"{part['column']}={part['slice']} ({part['rows']})" for part in parts]
    axes.set_yticks(range(len(parts)), names, fontsize=8)
    return figure  # type: ignore[no-any-return]


def _confusion(labels: Floats, scores: Floats, classes: tuple[str, ...]) -> Figure:
    count = len(classes)
    pairs = labels.astype(int) * count + scores.argmax(1)
    table = np.bincount(pairs, minlength=count * count).reshape(count, count)
    figure, axes = _axes("Confusion", "predicted", "true", (1.5 + 0.4 * count, 1.2 + 0.4 * count))
    axes.imshow(table, cmap="Blues")
    axes.set_xticks(range(count), classes)
    axes.set_yticks(range(count), classes)
    for (row, column), number in np.ndenumerate(table):
        if number and count <= MOST:
            shade = "white" if number > table.max() / 2 else INK
            axes.text(column, row, number, ha="center", va="center", color=shade, fontsize=8)
    return figure  # type: ignore[no-any-return]


def _residuals(labels: Floats, outputs: Floats) -> Figure:
    figure, axes = _axes("Residuals", "predicted", "true minus predicted")
    axes.axhline(0, color=PALE, linestyle=":")
    axes.scatter(outputs, labels - outputs, s=8, alpha=0.5, color=LINE)
    return figure  # type: ignore[no-any-return]
