"""Names in mizzen.yaml that stand for something of the platform or of a library."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from mizzen.adapters.backends import BACKENDS
from mizzen.control.check.finding import Finding, refused
from mizzen.core.metrics import find_metrics
from mizzen.errors import MizzenError
from mizzen.spec.project import ProjectSpec

_CLASS = re.compile(r"^class (Expect\w+)\(", re.MULTILINE)


def check_names(spec: ProjectSpec) -> list[Finding]:
    """Trainer, metrics and expectations are known, and columns have one role each."""
    return [*_trainer(spec), *_metrics(spec), *_expectations(spec), *_roles(spec)]


def _trainer(spec: ProjectSpec) -> list[Finding]:
    frameworks = BACKENDS["framework"]
    backend = frameworks.get(spec.trainer.kind)
    if backend is None:
        known = ", ".join(sorted(frameworks))
        message = f"unknown trainer {spec.trainer.kind!r}; allowed: {known}"
        return [Finding("error", "trainer.kind", message, "choose one of them")]
    if backend.library is not None and find_spec(backend.library) is None:
        message = f"{backend.library} is not installed here"
        return [
            Finding("warning", "trainer.kind", message, f"pip install 'mizzen[{backend.extra}]'")
        ]
    if spec.trainer.kind == "torch":  # LightGBM's names are known to its binary only
        from mizzen.adapters.torch.parameters import read_parameters

        try:
            read_parameters(spec.trainer.parameters)
        except MizzenError as error:
            return [refused("trainer.parameters", error)]
    called = spec.trainer.model or spec.trainer.function
    unseen = f"; what {called} makes of its arguments shows in the run only" if called else ""
    return [Finding("ok", "trainer", f"{spec.trainer.kind}{unseen}")]


def _metrics(spec: ProjectSpec) -> list[Finding]:
    try:
        find_metrics(spec.evaluation.metrics, spec.task)
    except MizzenError as error:
        return [refused("evaluation.metrics", error)]
    return [Finding("ok", "metrics", ", ".join(spec.evaluation.metrics))]


def _expectations(spec: ProjectSpec) -> list[Finding]:
    wanted = {expectation.expect for expectation in spec.expectations}
    if not wanted:
        message = "none: wrong data is found only when a step stumbles over it"
        return [Finding("warning", "expectations", message, "add some to mizzen.yaml")]
    known = _known_expectations()
    if known is None:
        message = "not checked: great_expectations is not installed here"
        return [
            Finding("warning", "expectations", message, "pip install 'mizzen[great-expectations]'")
        ]
    faults = [_unknown(name, known) for name in sorted(wanted - known)]
    return faults or [Finding("ok", "expectations", f"{len(spec.expectations)} known")]


def _known_expectations() -> set[str] | None:
    # read from its files: importing the library takes seconds
    found = find_spec("great_expectations")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(next(iter(found.submodule_search_locations))) / "expectations/core"
    texts = (file.read_text(encoding="utf-8") for file in folder.glob("expect_*.py"))
    return {name for text in texts for name in _CLASS.findall(text)} or None


def _unknown(name: str, known: Iterable[str]) -> Finding:
    names = list(known)
    close = get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return Finding("error", "expectations", f"unknown expectation {name!r}{hint}", "fix the name")


def _roles(spec: ProjectSpec) -> list[Finding]:
    inputs = {column.name for column in spec.features.inputs}
    found = []
    for column in spec.data.key:
        if column in inputs:
            message = f"the key {column!r} is a feature: a model learns rows by heart from it"
            found.append(Finding("warning", "features", message, "remove it from `features`"))
    if spec.data.event_time in inputs:
        message = f"the event time {spec.data.event_time!r} is a feature: it never comes again"
        found.append(Finding("warning", "features", message, "use its hour or weekday instead"))
    if spec.label.column in {*spec.data.key, spec.data.event_time}:
        message = f"{spec.label.column!r} is the label and a key or the event time"
        found.append(Finding("error", "label.column", message, "name another column"))
    return found
