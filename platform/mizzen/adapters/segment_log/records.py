"""Predictions, labels and counts of refusals as payloads: one kind byte, then MessagePack.

Every record is self-contained, so a damaged one takes no other with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from mizzen.ports.prediction_log import Prediction, TrueLabel

PREDICTION = b"P"  # its id was made by the service: unique
GIVEN = b"G"  # its id was given by the client: a repeated request repeats it
LABEL = b"L"
DROPPED = b"D"
_ID_VERSION = 14  # where a UUID's text holds its version; the service makes version 7


class _Prediction(msgspec.Struct, array_like=True):
    id: str
    at: datetime
    model: str
    version: int
    key: dict[str, Any]
    features: dict[str, Any]
    output: float | list[float]
    logged_at: datetime


class _Id(msgspec.Struct, array_like=True):
    id: str


class _IdAndVersion(msgspec.Struct, array_like=True):
    id: str
    at: msgspec.Raw
    model: msgspec.Raw
    version: int


class _Label(msgspec.Struct, array_like=True):
    prediction_id: str
    value: float | int | str
    at: datetime
    logged_at: datetime


def _plain(value: Any) -> Any:
    """numpy scalars and arrays, which callers hold, as plain values."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be logged")


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
_PREDICTIONS = msgspec.msgpack.Decoder(_Prediction)
_IDS = msgspec.msgpack.Decoder(_Id)
_VERSIONS = msgspec.msgpack.Decoder(_IdAndVersion)
_LABELS = msgspec.msgpack.Decoder(_Label)
_NUMBERS = msgspec.msgpack.Decoder(int)


def of_prediction(p: Prediction) -> bytes:
    """A prediction's payload."""
    kind = PREDICTION if p.id[_ID_VERSION : _ID_VERSION + 1] == "7" else GIVEN
    return kind + _ENCODER.encode(p)


def of_label(label: TrueLabel, logged_at: datetime) -> bytes:
    """A label's payload; `logged_at` decides between labels known at the same time."""
    return LABEL + _ENCODER.encode((label.prediction_id, label.value, label.at, logged_at))


def of_dropped(records: int) -> bytes:
    """How many records were refused since the last such payload."""
    return DROPPED + _ENCODER.encode(records)


def to_prediction(payload: bytes) -> Prediction:
    """The inverse of `of_prediction`."""
    p = _PREDICTIONS.decode(memoryview(payload)[1:])
    return Prediction(p.id, p.at, p.model, p.version, p.key, p.features, p.output, p.logged_at)


def to_id(payload: bytes) -> str:
    """The id of a prediction, without decoding the rest."""
    return _IDS.decode(memoryview(payload)[1:]).id


def to_id_and_version(payload: bytes) -> tuple[str, int]:
    """The id of a prediction and who answered, without decoding the rest."""
    found = _VERSIONS.decode(memoryview(payload)[1:])
    return found.id, found.version


def to_label(payload: bytes) -> tuple[TrueLabel, datetime]:
    """The inverse of `of_label`."""
    label = _LABELS.decode(memoryview(payload)[1:])
    return TrueLabel(label.prediction_id, label.value, label.at), label.logged_at


def to_dropped(payload: bytes) -> int:
    """The inverse of `of_dropped`."""
    return _NUMBERS.decode(memoryview(payload)[1:])
