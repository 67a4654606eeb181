"""Steps without libraries, for plans whose runs take milliseconds."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple


class Verdict(NamedTuple):
    metric: str
    value: float
    champion_value: float
    blessed: bool
    reason: str


class Registered(NamedTuple):
    version: int


def evaluate(*, blessed: bool, value: float) -> Verdict:
    print("judging")  # noqa: T201 (a step's log)
    return Verdict("roc_auc", value, 0.5, blessed, "better by 0.1" if blessed else "not better")


def evaluate_with_report(*, metrics: str, evaluation: Path) -> Verdict:
    """Leaves the report that the real step leaves, of these metrics."""
    values: dict[str, float | None] = json.loads(metrics)
    records = {name: {"value": value} for name, value in values.items()}
    evaluation.mkdir(parents=True)
    (evaluation / "metrics.json").write_text(json.dumps({"metrics": records}))
    return Verdict("roc_auc", values["roc_auc"] or 0.0, 0.5, False, "not better")


class RenamedVerdict(NamedTuple):
    metric: str
    value: float
    champion_value: float
    is_blessed: bool
    reason: str


def evaluate_renamed(*, blessed: bool, value: float) -> RenamedVerdict:
    """As another version of the step might call its outputs."""
    return RenamedVerdict("roc_auc", value, 0.5, blessed, "")


class UntypedVerdict(NamedTuple):
    metric: str
    value: float
    champion_value: float
    blessed: str
    reason: str


def evaluate_untyped(*, blessed: bool, value: float) -> UntypedVerdict:
    """A text that is true, whatever it says."""
    return UntypedVerdict("roc_auc", value, 0.5, str(not blessed), "")


class RenamedVersion(NamedTuple):
    number: int


def register_renamed(*, number: int) -> RenamedVersion:
    return RenamedVersion(number)


def register(*, number: int) -> Registered:
    return Registered(number)


def register_metric(*, number: int, metric: str) -> Registered:
    assert metric == "roc_auc"
    return Registered(number)


def wait(*, file: str) -> None:
    """Says that it runs, then waits until it is told to go on."""
    Path(file).touch()
    while not Path(file + ".go").exists():
        time.sleep(0.02)


def fail(*, unless: str) -> None:
    if not Path(unless).exists():
        raise ValueError("the trainer raised")
