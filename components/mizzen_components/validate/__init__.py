"""The `validate` step: a failed expectation stops the run before anything is trained.

Runs after the snapshot. The result is attached to the data version also when it is bad, so
that whoever asks about the version later learns why nothing was trained on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mizzen.adapters import backends
from mizzen.adapters.tables import read_folder
from mizzen.core.place import Place
from mizzen.ports.data import Check, DataVersions, Validator
from mizzen.spec.data import Data, Expectation
from mizzen_components.validate.failure import failure, kept_rows

if TYPE_CHECKING:
    from mizzen.ports.data import Tables


class ValidateFigures(NamedTuple):
    """`checks`: expectations judged. `warnings`: those of severity warning that failed."""

    checks: int
    warnings: int


def run(
    *,
    tables: Path,
    data: dict[str, Any],
    expectations: list[Any],
    version: str,
    result: Path,
) -> ValidateFigures:
    """Judge the project's expectations on the snapshot.

    Args:
        tables: the snapshot's folder.
        version: its data version, to which the result is attached as `validation`.
        result: the folder to make: `result.json`, `failing_rows.json`.

    Raises:
        InvalidData: a critical expectation failed; the text shows failing rows.
        InvalidProject: an expectation that Great Expectations does not know.
    """
    described = Data.model_validate(data)
    wanted = [Expectation.model_validate(each) for each in expectations]
    place = Place.from_environment(os.environ)
    checks = judged(place, read_folder(tables) if wanted else {}, described, wanted)
    document = _document(version, checks)
    _store(result, document, checks)
    versions: DataVersions = backends.load_backend("data_versions", "dvc")(place)
    versions.annotate(version, "validation", document)
    check_critical(checks, described, f"data version {version}")
    return ValidateFigures(len(checks), sum(not check.success for check in checks))


def judged(place: Place, tables: Tables, data: Data, wanted: Sequence[Expectation]) -> list[Check]:
    """The expectations' results on the tables of a snapshot.

    Raises:
        InvalidProject: an expectation that Great Expectations does not know.
        InvalidData: one that cannot be evaluated.
    """
    if not wanted:  # a project without expectations does not wait for the library's import
        return []
    validator: Validator = backends.load_backend("validator", "great_expectations")(place)
    return validator.validate(tables, data.rows, wanted)


def check_critical(checks: Sequence[Check], data: Data, version: str) -> None:
    """Raises InvalidData where a critical expectation failed; `version`: of which data."""
    broken = [check for check in checks if not check.success and check.severity == "critical"]
    if broken:
        raise failure(broken, data, version)


def _document(version: str, checks: Sequence[Check]) -> dict[str, Any]:
    described = [{k: v for k, v in asdict(check).items() if k != "rows"} for check in checks]
    critical = all(check.success or check.severity == "warning" for check in checks)
    return {"data_version": version, "success": critical, "checks": described}


def _store(result: Path, document: Mapping[str, Any], checks: Sequence[Check]) -> None:
    result.mkdir(parents=True, exist_ok=True)
    for name, content in {"result": document, "failing_rows": kept_rows(checks)}.items():
        text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False)
        (result / f"{name}.json").write_text(text, encoding="utf-8")
