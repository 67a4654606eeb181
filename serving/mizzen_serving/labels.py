"""`POST /labels`: what predictions turned out to be, often long after the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from mizzen.core.true_labels import GivenLabel, LabelRule, read_labels, refusal
from mizzen.ports.prediction_log import PredictionLog
from mizzen_serving.decoding import NO_JSON
from mizzen_serving.json_path import first_repeated
from mizzen_serving.refusals import RefusedRequest, not_json, repeated

MAX_LABELS = 100_000
MAX_BYTES = 32_000_000


# no space and no control character: ids stand in lines of logs and in files
_Id = Annotated[str, msgspec.Meta(max_length=64, pattern="^[!-~]+$(?!\n)")]


class LabelIn(msgspec.Struct, forbid_unknown_fields=True):
    """`at`: the instant, with a zone, at which the label became known; now when absent.
    `where`: how the sender finds it again; a refusal names it."""

    prediction_id: _Id
    value: int | float | bool | str | None
    at: str | None = None
    where: Annotated[str, msgspec.Meta(max_length=80)] | None = None


_Labels = Annotated[list[LabelIn], msgspec.Meta(min_length=1, max_length=MAX_LABELS)]


class LabelsIn(msgspec.Struct, forbid_unknown_fields=True):
    """Several labels at once. `dry_run`: they are checked, and not kept."""

    labels: _Labels
    dry_run: bool = False


class LabelsAnswer(msgspec.Struct):
    """`accepted`: labels kept for predictions in this service's log. `unconfirmed`: ids that
    it does not hold. Another service, or an earlier version, may have answered them: their
    labels are kept, and count once the prediction is found in the logs."""

    accepted: int
    unconfirmed: list[str]


@dataclass(frozen=True, slots=True)
class LabelsRequest:
    """What a body asks for."""

    labels: Sequence[GivenLabel]
    dry_run: bool


_BODY = msgspec.json.Decoder(LabelsIn | _Labels)
_ONE = msgspec.json.Decoder(LabelIn)


def decode_labels(body: bytes) -> LabelsRequest:
    """Labels of a request's body: one, a list, or `{"labels": [...]}`.

    Raises:
        RefusedRequest: no JSON, or a field that does not fit.
    """
    try:
        found = _decode(body)
    except msgspec.ValidationError as error:
        raise RefusedRequest(
            422,
            "the labels do not fit",
            field=str(error).rsplit("`$", 1)[-1].strip("`.") if "`$" in str(error) else None,
            given=error,
            allowed='{"prediction_id": visible characters, "value": ..., "at": an instant with '
            "zone, or absent}",
            next_step="fix the field",
        ) from None
    except NO_JSON as error:
        raise not_json(error, body) from None
    twice = first_repeated(body)
    if twice is not None:
        raise repeated(twice)
    given = [
        GivenLabel(label.prediction_id, label.value, label.at, label.where or f"labels[{number}]")
        for number, label in enumerate(found.labels)
    ]
    return LabelsRequest(given, found.dry_run)


def keep_labels(
    request: LabelsRequest, log: PredictionLog, rule: LabelRule, now: datetime
) -> LabelsAnswer:
    """Check all of them, then keep all of them. It reads the log: not for an event loop.

    Raises:
        RefusedRequest: one cannot be taken; none is kept.
        TemporaryError: the log is full.
    """
    kept, faults = read_labels(request.labels, lambda _: rule, now)
    if faults:
        error, first = refusal(faults, len(request.labels)), faults[0].label.where
        told = {"given": error.given, "allowed": error.allowed, "next_step": error.next_step}
        raise RefusedRequest(422, error.message, field=f"{first}.value", **told)
    logged = log.versions_of({label.prediction_id for label in kept})
    if not request.dry_run:
        log.label(kept)
    away = [label.prediction_id for label in kept if label.prediction_id not in logged]
    return LabelsAnswer(len(kept) - len(away), list(dict.fromkeys(away)))


def _decode(body: bytes) -> LabelsIn:
    if body.lstrip()[:1] == b"{" and not _holds_labels(body):
        return LabelsIn([_ONE.decode(body)])
    decoded = _BODY.decode(body)
    return decoded if isinstance(decoded, LabelsIn) else LabelsIn(decoded)


def _holds_labels(body: bytes) -> bool:
    return "labels" in msgspec.json.decode(body, type=dict[str, msgspec.Raw])
