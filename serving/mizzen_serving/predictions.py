"""Rows in, checked and logged answers out: everything between decoding and sending.

`batching` calls `answer` with the rows of all requests that wait; it is not thread-safe and
one call at a time is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mizzen.errors import MizzenError
from mizzen.ports.data import FeatureSource
from mizzen.ports.prediction_log import Prediction, PredictionLog
from mizzen_serving.answers import Answer, Outputs
from mizzen_serving.contract import Contract
from mizzen_serving.decoding import Row
from mizzen_serving.ids import IdMaker
from mizzen_serving.model import Model
from mizzen_serving.rowencoding import RowEncoder


class OutputFault(MizzenError):
    """The model's output for a row is no probability, or not finite. Answered with 500."""

    def __init__(self, prediction_id: str, output: object) -> None:
        super().__init__(
            f"the model's output for prediction {prediction_id} failed its check",
            given=output,
            allowed="finite values; probabilities from 0 to 1",
            next_step="look the row up in the service's log by this id; roll the version back",
        )
        self.prediction_id = prediction_id

    def as_dict(self) -> dict[str, Any]:
        """The answer's body."""
        return {**super().as_dict(), "prediction_id": self.prediction_id}


Result = Answer | OutputFault


class Predictions:
    """Answers rows with one model version.

    Args:
        source: where features of views come from; None for a model without views.
        count_missing: called with a feature's name and how many of its values were null.
    """

    def __init__(
        self,
        model: Model,
        contract: Contract,
        log: PredictionLog,
        source: FeatureSource | None,
        count_missing: Callable[[str, int], None],
    ) -> None:
        self._model = model
        self._contract = contract
        self._log = log
        self._source = source
        self._count_missing = count_missing
        self._ids = IdMaker()
        self._outputs = Outputs(model.project.task, model.encoder.classes)
        self._names = [column.name for column in model.project.features.inputs]
        self._encoder = RowEncoder(model.encoder, self._names)

    def answer(self, rows: Sequence[Row]) -> list[Result]:
        """One result per row, in order. Returns once all answers are in the log.

        Raises:
            TemporaryError: the log takes no records; no row was answered.
        """
        contract, now = self._contract, datetime.now(UTC)
        at = [now if contract.time is None else row[contract.time] or now for row in rows]
        inputs = self._inputs(rows, at)
        outputs = self._model.predictor.predict(self._encoder.encode(inputs))
        faults = self._outputs.faults(outputs, len(rows))
        made = iter(self._ids.make(len(rows)))
        ids = [row[contract.id] or next(made) for row in rows]
        if faults.any():
            return self._without_faults(rows, at, inputs, outputs, faults, ids)
        return self._log_and_shape(rows, at, inputs, outputs.tolist(), ids, now)

    def _inputs(self, rows: Sequence[Row], at: list[datetime]) -> list[Row]:
        width = self._contract.features
        if self._source is None:
            return [row[:width] for row in rows]
        entities = {n: [row[place] for row in rows] for n, place in self._contract.entities}
        found = self._source.online(self._contract.views, entities, at)
        columns = [[_null(value) for value in found[name]] for name in self._names[width:]]
        return [
            (*row[:width], *values)
            for row, values in zip(rows, zip(*columns, strict=True), strict=True)
        ]

    def _log_and_shape(
        self,
        rows: Sequence[Row],
        at: list[datetime],
        inputs: list[Row],
        values: list[Any],
        ids: list[str],
        now: datetime,
    ) -> list[Result]:
        name, version = self._model.project.name, self._model.version
        names, keys = self._names, self._contract.keys
        self._log.append(
            [
                Prediction(
                    ids[n],
                    at[n],
                    name,
                    version,
                    {key: row[place] for key, place in keys},
                    dict(zip(names, inputs[n], strict=True)),
                    values[n],
                    now,
                )
                for n, row in enumerate(rows)
            ]
        )
        shaped = self._outputs.shape(values)
        return [Answer(ids[n], output, self._missing(inputs[n])) for n, output in enumerate(shaped)]

    def _missing(self, row: Row) -> list[str]:
        if None not in row:
            return []
        missing = [name for name, value in zip(self._names, row, strict=True) if value is None]
        for name in missing:
            self._count_missing(name, 1)
        return missing

    def _without_faults(
        self,
        rows: Sequence[Row],
        at: list[datetime],
        inputs: list[Row],
        outputs: Any,
        faults: Any,
        ids: list[str],
    ) -> list[Result]:
        results: list[Result] = [
            OutputFault(ids[n], outputs[n] if len(outputs) == len(rows) else outputs.shape)
            for n in range(len(rows))
        ]
        sound = np.flatnonzero(~faults).tolist()
        if sound:
            answers = self._log_and_shape(
                [rows[n] for n in sound],
                [at[n] for n in sound],
                [inputs[n] for n in sound],
                [outputs[n].tolist() for n in sound],
                [ids[n] for n in sound],
                datetime.now(UTC),
            )
            for n, answer in zip(sound, answers, strict=True):
                results[n] = answer
        return results


def _null(value: Any) -> Any:
    """Feature stores say NaN for null where a column holds numbers."""
    return None if isinstance(value, float) and math.isnan(value) else value
