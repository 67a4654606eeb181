"""Asking the running service for predictions, and telling the log what turned out true."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mizzen.control.logs import log_of
from mizzen.control.stack.stack import status
from mizzen.control.state.records import document
from mizzen.control.workspace import Workspace
from mizzen.errors import InvalidData, NotFound, TemporaryError
from mizzen.ports.prediction_log import TrueLabel

if TYPE_CHECKING:
    from mizzen.control.state.remote import Connection

SECONDS = 60.0
LABELS = 10_000  # of one request


def predict(workspace: Workspace, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The service's answer to these rows, as it gave it.

    Raises:
        NotFound: no service runs.
        InvalidData: the service refused a row; its words are kept.
        TemporaryError: the service is busy or starting.
    """
    if workspace.place.profile.control.url is not None:
        told: dict[str, Any] = _api(workspace).ask_once(
            f"/projects/{workspace.spec.name}/predict", {"rows": list(rows)}
        )
        return told
    address = status(workspace).service
    if address is None:
        raise NotFound("no service answers for this project", next_step="start it: mizzen up")
    body = json.dumps({"rows": document(list(rows))}).encode()
    request = Request(  # noqa: S310 (our own service's address)
        f"{address}/predict", data=body, headers={"content-type": "application/json"}
    )
    try:
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except HTTPError as error:
        raise _refused(error) from None
    except (URLError, OSError) as error:
        raise TemporaryError(
            "the service does not answer", given=error, next_step="mizzen status"
        ) from None


@dataclass(frozen=True, slots=True)
class Labelled:
    """How many labels were kept, and the ids that no logged prediction has, in given order."""

    accepted: int
    unknown: tuple[str, ...] = ()


def add_labels(workspace: Workspace, labels: Sequence[TrueLabel]) -> Labelled:
    """Keep what logged predictions turned out to be; needs no running service. Through a control
    API each is kept: which predictions there were is known once the logs are together."""
    if workspace.place.profile.control.url is not None:
        return _send_labels(workspace, labels)
    log = log_of(workspace.place)
    asked = {label.prediction_id for label in labels}
    try:
        logged = {prediction.id for prediction in log.read() if prediction.id in asked}
        known = [label for label in labels if label.prediction_id in logged]
        if known:
            log.label(known)
    finally:
        log.close()  # durable before we say so
    unknown = (label.prediction_id for label in labels if label.prediction_id not in logged)
    return Labelled(len(known), tuple(dict.fromkeys(unknown)))


def label(prediction_id: str, value: float | str, at: datetime | None = None) -> TrueLabel:
    """One label; `at`: when it became known, now when absent."""
    return TrueLabel(prediction_id, value, at or datetime.now(UTC))


def _send_labels(workspace: Workspace, labels: Sequence[TrueLabel]) -> Labelled:
    api, accepted = _api(workspace), 0
    for at in range(0, len(labels), LABELS):
        part = {"labels": labels[at : at + LABELS]}
        path = f"/projects/{workspace.spec.name}/labels"
        accepted += api.write("POST", path, part)["accepted"]
    return Labelled(accepted)


def _api(workspace: Workspace) -> Connection:
    from mizzen.control.state.remote import connect

    return connect(workspace.place.profile.control)


def _refused(error: HTTPError) -> InvalidData | TemporaryError:
    text = error.read().decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = {"message": text[:500]}
    kind = TemporaryError if error.code in {429, 503} else InvalidData
    return kind(
        str(told.get("message", "the service refused the request")),
        given=told.get("given"),
        allowed=told.get("allowed"),
        next_step=told.get("next"),
    )
