"""The snapshot that a run took, as MLflow's dataset input of the run's page.

MLflow knows a dataset by its name and digest and keeps what was first said of the two. So the
name holds the source, and everything else follows from the rows alone or names its column.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mizzen.core.runs import StepEvent
from mizzen.spec.data import Data, FileSource

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

TABLES = "tables"  # the artifact of the step that takes a snapshot
_LONGEST = 500  # characters of a dataset's name
_CONTEXT = "mlflow.data.context"


def dataset_of(project: str, event: StepEvent) -> dict[str, str] | None:
    """The snapshot of a finished step, JSON-ready; None of a step that takes none.

    The source's type is MLflow's: `local` for files, `code` for a function of the project.
    """
    tables, version = event.artifacts.get(TABLES), event.figures.get("version")
    if tables is None or not isinstance(version, str):
        return None
    try:
        data = Data.model_validate(event.parameters.get("data"))
    except ValidationError:  # a step of the user's own
        return None
    name, kind, source = _source(data)
    return {
        "name": f"{project}/{name}"[:_LONGEST],
        "digest": version,
        "source_type": kind,
        "source": json.dumps(source),
        "profile": json.dumps(_profile(data, event)),
        # only rows to predict are taken without a label
        "context": "training" if event.parameters.get("label") else "inference",
    }


def dataset_input(document: dict[str, str]) -> DatasetInput:
    """What `dataset_of` said, as MLflow's entity."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    facts = {name: value for name, value in document.items() if name != "context"}
    return DatasetInput(Dataset(**facts), [InputTag(_CONTEXT, document["context"])])


def _source(data: Data) -> tuple[str, str, dict[str, Any]]:
    source = data.source
    if isinstance(source, FileSource):
        return source.path, "local", {"uri": source.path}
    return source.python, "code", {"tags": {"mlflow.source.name": source.python}}


def _profile(data: Data, event: StepEvent) -> dict[str, Any]:
    profile: dict[str, Any] = {"num_rows": event.figures.get("rows")}
    label = event.parameters.get("label")
    if label:
        profile["unlabelled"] = f"{event.figures.get('unlabelled')} ({label['column']})"
    return profile | _window(data, event.artifacts[TABLES])


def _window(data: Data, tables: Path) -> dict[str, str]:
    """The first and the last event time of the rows; empty where rows have none, or are not on
    this machine."""
    from mizzen.adapters.tables import read_table

    column = data.event_time
    if column is None:
        return {}
    with suppress(OSError, ValueError, KeyError):
        times = read_table(Path(tables) / f"{data.rows}.parquet", [column])[column]
        ends = {"first_event": times.min(), "last_event": times.max()}
        return {name: f"{time.isoformat()} ({column})" for name, time in ends.items()}
    return {}
