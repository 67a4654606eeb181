"""What the features step notes about its views, beside their histories: `views.json`.

View name -> `version`, `code`, `files` (path -> SHA-256), `inputs` (the patterns that name some of
them) and `history`, the digest of what was declared, "" where nothing was. Light, because the
runner asks `holds` before every run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mizzen.adapters import backends
from mizzen.core.place import Place
from mizzen.core.views import VersionedView
from mizzen_components.view_files import PROJECT_DIR, sha256_of

RECORDS = "views.json"
Records = Mapping[str, Mapping[str, Any]]


def write_records(
    sources: Path, views: Sequence[VersionedView], histories: Mapping[str, str]
) -> None:
    """Note the views of which `sources` holds the values."""
    records = {
        view.name: {**view.record(), "inputs": view.inputs, "history": histories.get(view.name, "")}
        for view in views
    }
    text = json.dumps(records, sort_keys=True, indent=1)
    (sources / RECORDS).write_text(text, encoding="utf-8")


def read_records(sources: Path | None) -> Records:
    """By view name; a model's manifest keeps them. None: no view was joined."""
    if sources is None:
        return {}
    records: Records = json.loads((sources / RECORDS).read_text(encoding="utf-8"))
    return records


def holds(place: Place, environment: Mapping[str, str], outputs: Mapping[str, Path]) -> bool:
    """Whether a remembered result of the features step may be used again: its views would read
    the same files, and what it declared is still what the feature store holds."""
    records = read_records(outputs["sources"])
    folder = Path(environment.get(PROJECT_DIR, ""))
    files = {name: digest for one in records.values() for name, digest in one["files"].items()}
    if not all(_is(folder / name, digest) for name, digest in files.items()):
        return False
    if not all(_named(folder, one["inputs"]) <= set(one["files"]) for one in records.values()):
        return False
    declared = {name: one for name, one in records.items() if one["history"]}
    if not declared:
        return True
    store = backends.load_backend("feature_source", place.profile.feature_store.kind)(place)
    return all(store.holds(n, one["version"], one["history"]) for n, one in declared.items())


def _named(folder: Path, patterns: Sequence[str]) -> set[str]:
    found = (file for pattern in patterns for file in folder.glob(pattern) if file.is_file())
    return {file.relative_to(folder).as_posix() for file in found}


def _is(file: Path, digest: str) -> bool:
    return file.is_file() and sha256_of(file) == digest
