"""What both peers share with Mizzen: the package, its model, and the encoding of a row.

They get our encoding for single rows, which is faster than the one for tables: the comparison
is of the services, not of how a row becomes numbers.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, create_model

from mizzen.adapters import backends
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.core.place import Place
from mizzen.spec.project import ProjectSpec
from mizzen_serving.rowencoding import RowEncoder

PACKAGE = Path(os.environ["BENCH_PACKAGE"])
PROJECT = ProjectSpec.model_validate(json.loads((PACKAGE / "project.json").read_text()))
COLUMNS = [column.name for column in PROJECT.features.inputs]


def row_model() -> type[BaseModel]:
    """The request as a pydantic model."""
    kinds = {"number": float | None, "category": str | None}
    fields: dict[str, Any] = {c.name: (kinds[c.kind], ...) for c in PROJECT.features.inputs}
    return create_model("Row", flight=(int, ...), at=(str, ...), **fields)


class Output(BaseModel):
    """The answer of both peers: nothing but the probability."""

    probability: float


class Model:
    """Loads the package once and predicts one row."""

    def __init__(self) -> None:
        manifest, encoder = read_manifest(PACKAGE)
        framework = backends.load_backend("framework", manifest.framework)(
            Place.from_environment(os.environ)
        )
        self._predictor = framework.load(PACKAGE, None, {"threads": 1})
        self._encoder = RowEncoder(encoder, COLUMNS)

    def predict(self, row: BaseModel) -> Output:
        """One row, one prediction."""
        values = [getattr(row, name) for name in COLUMNS]
        return Output(probability=float(self._predictor.predict(self._encoder.encode([values]))[0]))
