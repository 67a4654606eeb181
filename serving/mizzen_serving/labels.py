"""`POST /labels`: what predictions turned out to be, often long after the answer."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from mizzen.core.encoding import category_name
from mizzen.ports.prediction_log import TrueLabel
from mizzen.spec.project import Task
from mizzen_serving.decoding import Refused

MAX_LABELS = 100_000
MAX_BYTES = 32_000_000


class LabelIn(msgspec.Struct, forbid_unknown_fields=True):
    """`at`: the instant at which the label became known; now when absent."""

    prediction_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    value: float | bool | str
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class LabelsIn(msgspec.Struct, forbid_unknown_fields=True):
    """Several labels at once."""

    labels: Annotated[list[LabelIn], msgspec.Meta(min_length=1, max_length=MAX_LABELS)]


_BODY = msgspec.json.Decoder(LabelsIn | list[LabelIn])
_ONE = msgspec.json.Decoder(LabelIn)


def decode_labels(body: bytes, task: Task, classes: tuple[str, ...]) -> list[TrueLabel]:
    """Labels of a request's body: one, a list, or `{"labels": [...]}`.

    Raises:
        Refused: no JSON, a field that does not fit, or a value that the task does not know.
    """
    try:
        found = _decode(body)
    except msgspec.ValidationError as error:
        raise Refused(
            422,
            "the labels do not fit",
            field=str(error).rsplit("`$", 1)[-1].strip("`.") if "`$" in str(error) else None,
            given=error,
            allowed='{"prediction_id": ..., "value": ..., "at": an instant with zone, or absent}',
            next_step="mend the field",
        ) from None
    except msgspec.DecodeError as error:
        raise Refused(400, "the body is not JSON", given=error, next_step="mend it") from None
    now = datetime.now(UTC)
    return [
        TrueLabel(label.prediction_id, _value(label, number, task, classes), label.at or now)
        for number, label in enumerate(found)
    ]


def _decode(body: bytes) -> list[LabelIn]:
    if b'"labels"' not in body[:64] and body.lstrip()[:1] == b"{":
        return [_ONE.decode(body)]
    decoded = _BODY.decode(body)
    return decoded.labels if isinstance(decoded, LabelsIn) else decoded


def _value(label: LabelIn, number: int, task: Task, classes: tuple[str, ...]) -> float | int | str:
    if task == "regression":
        if isinstance(label.value, str) or not math.isfinite(label.value):
            raise _unknown(label, number, "a finite number")
        return float(label.value)
    name = category_name(label.value)
    if name not in classes:
        raise _unknown(label, number, ", ".join(classes[:20]))
    return int(name) if name.lstrip("-").isdecimal() else name


def _unknown(label: LabelIn, number: int, allowed: str) -> Refused:
    return Refused(
        422,
        "the value of a label is not one of the task's",
        field=f"labels[{number}].value",
        given=label.value,
        allowed=allowed,
        next_step="mend the value",
    )
