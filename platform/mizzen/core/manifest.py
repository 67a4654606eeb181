"""What a folder with a model says about itself.

`train` writes a model folder (`manifest.json`, `encoder.json`, the framework's weights).
`register` makes it a package: `project.json` (the whole description), `bundle.tar` (the
project's code), `baseline.json` (sketches of training), `evaluation/`, `card.md`. Serving,
evaluation and batch inference read packages and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mizzen.errors import IntegrityError

MANIFEST = "manifest.json"
ENCODER = "encoder.json"
PROJECT = "project.json"
BUNDLE = "bundle.tar"
BASELINE = "baseline.json"
PROVENANCE = "provenance.json"
CARD = "card.md"
# how values become names, codes and numbers; raised whenever an old encoder would misread
READING = 3
DEPENDENCIES = "MIZZEN_DEPENDENCIES"  # of a task: the project's own packages, by name


@dataclass(frozen=True, slots=True)
class Manifest:
    """`framework` is a name of the framework table; `model` the user's build or load function;
    `files` maps the framework's files to their SHA-256; `libraries` to exact versions; `views`
    names the version of each feature view that the model needs (see `mizzen.core.views`);
    `reading` is the version of the encoder's meaning."""

    framework: str
    task: str
    model: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    weights_hash: str = ""
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    schema: int = 1
    reading: int = READING


def manifest_of(document: dict[str, Any], where: str) -> Manifest:
    """A manifest from its JSON; `where` is said in errors.

    Raises:
        IntegrityError: it is of another schema or another reading.
        TypeError: it has other fields.
    """
    _check_versions(where, document)
    return Manifest(**document)


def _check_versions(where: str, document: dict[str, Any]) -> None:
    if document.get("schema") != 1:
        raise IntegrityError("model of an unknown schema", given=document.get("schema"), allowed=1)
    reading = document.get("reading", 0)
    if reading != READING:
        raise IntegrityError(
            f"the model of {where} was trained under another reading of its inputs",
            given=f"reading {reading}",
            allowed=f"reading {READING}",
            next_step="train it again with this Mizzen: mizzen run"
            if reading < READING
            else "use the Mizzen that trained it, or a newer one",
        )
