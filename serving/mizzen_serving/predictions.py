"""Rows in, checked and logged answers out: everything between decoding and sending.

`batching` calls `answer` with the rows of all requests that wait; it is not thread-safe and
one call at a time is made.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mizzen.core.encoding import UNKNOWN, Encoded
from mizzen.errors import MizzenError
from mizzen.ports.data import FeatureSource
from mizzen.ports.prediction_log import Prediction, PredictionLog
from mizzen_serving.contract import Contract
from mizzen_serving.ids import IdMaker
from mizzen_serving.metrics import Instruments
from mizzen_serving.model import Model
from mizzen_serving.outputs import Answer, Outputs
from mizzen_serving.rowencoding import RowEncoder
from mizzen_serving.rows import Row


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


class Overflow(NamedTuple):
    """A number of the request, so far outside what training saw that the model's output for the
    row is not finite. Answered with 422, which names the field."""

    field: str
    value: float


Result = Answer | OutputFault | Overflow

_NONE: list[str] = []  # what is odd about most rows
_NULLS = (None, "")  # in a request; numbers are never text


class Oddities(NamedTuple):
    """By row, the features that are null, those whose number lies far outside what training saw,
    and those whose category it never saw; rows without are left out."""

    missing: Mapping[int, list[str]]
    outside: Mapping[int, list[str]]
    unknown: Mapping[int, list[str]]

    def of(self, rows: Sequence[int]) -> Oddities:
        """Those of some rows, which are then counted from 0."""
        return Oddities(
            *({n: odd[row] for n, row in enumerate(rows) if row in odd} for odd in self)
        )

    def count_in(self, instruments: Instruments) -> None:
        """Once for all rows: they come in a batch, and a metric costs more than a row."""
        counts = (instruments.missing, instruments.outside, instruments.unknown)
        for odd, count in zip(self, counts, strict=True):
            if odd:
                for feature, values in Counter(chain.from_iterable(odd.values())).items():
                    count(feature, values)


_ORDINARY = Oddities({}, {}, {})


class Predictions:
    """Answers rows with one model version.

    Args:
        source: where features of views come from; None for a model without views.
        instruments: counts what is missing, lies outside or is unknown.
    """

    def __init__(
        self,
        model: Model,
        contract: Contract,
        log: PredictionLog,
        source: FeatureSource | None,
        instruments: Instruments,
    ) -> None:
        self._model = model
        self._contract = contract
        self._log = log
        self._source = source
        self._instruments = instruments
        self._ids = IdMaker()
        self._outputs = Outputs(model.project.task, model.encoder.classes)
        self._names = [column.name for column in model.project.features.inputs]
        self._encoder = RowEncoder(model.encoder, self._names)
        self._categories = [
            (column.name, self._names.index(column.name)) for column in model.encoder.categories
        ]

    def answer(self, rows: Sequence[Row]) -> list[Result]:
        """One result per row, in order. Returns once all answers are in the log.

        Raises:
            TemporaryError: the log takes no records; no row was answered.
        """
        contract, now = self._contract, datetime.now(UTC)
        at = [now if contract.time is None else row[contract.time] or now for row in rows]
        inputs = self._inputs(rows, at)
        encoded = self._encoder.encode(inputs)
        odd = self._oddities(inputs, encoded)
        outputs = self._model.predictor.predict(encoded)
        faults = self._outputs.faults(outputs, len(rows))
        made = iter(self._ids.make(len(rows)))
        ids = [row[contract.id] or next(made) for row in rows]
        if np.count_nonzero(faults):
            return self._without_faults(rows, at, inputs, odd, outputs, faults, ids)
        return self._log_and_shape(rows, at, inputs, odd, outputs.tolist(), ids, now)

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
        odd: Oddities,
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
        self._instruments.rows.inc(len(rows))
        odd.count_in(self._instruments)
        missing, outside, unknown = (found.get for found in odd)
        return [
            Answer(ids[n], output, missing(n, _NONE), outside(n, _NONE), unknown(n, _NONE))
            for n, output in enumerate(shaped)
        ]

    def _oddities(self, inputs: list[Row], encoded: Encoded) -> Oddities:
        encoder = self._model.encoder
        if encoder.is_ordinary(encoded):
            return _ORDINARY
        return Oddities(
            self._missing(inputs),
            encoder.outside(encoded),
            self._unknown(inputs, encoded.codes),
        )

    def _unknown(self, inputs: list[Row], codes: NDArray[np.int64]) -> dict[int, list[str]]:
        """By row its categories that training never saw; null is no category."""
        unknown: dict[int, list[str]] = {}
        unseen = codes == UNKNOWN
        if not np.count_nonzero(unseen):
            return unknown
        for row, column in np.argwhere(unseen).tolist():
            name, place = self._categories[column]
            if inputs[row][place] not in _NULLS:
                unknown.setdefault(row, []).append(name)
        return unknown

    def _missing(self, inputs: list[Row]) -> dict[int, list[str]]:
        return {
            n: [name for name, value in zip(self._names, row, strict=True) if value in _NULLS]
            for n, row in enumerate(inputs)
            if None in row or "" in row
        }

    def _without_faults(
        self,
        rows: Sequence[Row],
        at: list[datetime],
        inputs: list[Row],
        odd: Oddities,
        outputs: Any,
        faults: Any,
        ids: list[str],
    ) -> list[Result]:
        results: list[Result] = [
            self._fault(inputs[n], odd.outside.get(n, []), ids[n], outputs, n)
            for n in range(len(rows))
        ]
        sound = np.flatnonzero(~faults).tolist()
        if sound:
            answers = self._log_and_shape(
                [rows[n] for n in sound],
                [at[n] for n in sound],
                [inputs[n] for n in sound],
                odd.of(sound),
                [outputs[n].tolist() for n in sound],
                [ids[n] for n in sound],
                datetime.now(UTC),
            )
            for n, answer in zip(sound, answers, strict=True):
                results[n] = answer
        return results

    def _fault(
        self, row: Row, outside: Sequence[str], prediction_id: str, outputs: Any, place: int
    ) -> Overflow | OutputFault:
        """The client's fault where a field of the request lies far outside what training saw."""
        given = {name: row[self._names.index(name)] for name in outside}
        sent = [name for name in outside if self._names.index(name) < self._contract.features]
        if len(outputs) <= place:
            return OutputFault(prediction_id, outputs.shape)
        if sent and not np.isfinite(outputs[place]).all():
            return Overflow(sent[0], given[sent[0]])
        return OutputFault(prediction_id, outputs[place])


def _null(value: Any) -> Any:
    """Feature stores say NaN for null where a column holds numbers."""
    return None if isinstance(value, float) and math.isnan(value) else value
