"""Asking the running service for predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mizzen.adapters.http.client import FAULTS, Answer, HttpClient
from mizzen.control.stack.serving import service_token
from mizzen.control.stack.stack import status
from mizzen.control.workspace import Workspace
from mizzen.errors import InvalidData, NotFound, TemporaryError
from mizzen.state.records import to_jsonable

if TYPE_CHECKING:
    from mizzen.state.remote import Connection

SECONDS = 60.0


def predict(workspace: Workspace, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The service's answer to these rows, as it gave it.

    Raises:
        NotFound: no service runs.
        InvalidData: the service refused a row; its words are kept.
        TemporaryError: the service is busy or starting.
    """
    if workspace.place.profile.control.url is not None:
        told: dict[str, Any] = api_of(workspace).ask_once(
            f"/projects/{workspace.spec.name}/predict", {"rows": list(rows)}
        )
        return told
    address = status(workspace).service
    if address is None:
        raise NotFound("no service answers for this project", next_step="start it: mizzen up")
    token = service_token(workspace)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = json.dumps({"rows": to_jsonable(list(rows))}).encode()
    client = HttpClient(
        address, headers={"Content-Type": "application/json", **headers}, seconds=SECONDS
    )
    try:
        answer = client.send("POST", "/predict", body)
    except FAULTS as error:
        raise TemporaryError(
            "the service does not answer", given=error, next_step="mizzen status"
        ) from None
    finally:
        client.close()
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise _refused(answer)
    found: dict[str, Any] = json.loads(answer.content)
    return found


def api_of(workspace: Workspace) -> Connection:
    """The control API that the profile names."""
    from mizzen.state.remote import connect

    return connect(workspace.place.profile.control)


def _refused(answer: Answer) -> InvalidData | TemporaryError:
    text = answer.content.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = {"message": text[:500]}
    kind = TemporaryError if answer.is_away else InvalidData
    return kind(
        str(told.get("message", "the service refused the request")),
        given=told.get("given"),
        allowed=told.get("allowed"),
        next_step=told.get("next"),
    )
