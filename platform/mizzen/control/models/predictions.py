"""Asking the running service for predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

from mizzen.adapters.loopback import open_url
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
    body = json.dumps({"rows": to_jsonable(list(rows))}).encode()
    headers = {"content-type": "application/json"}
    token = service_token(workspace)
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    request = Request(f"{address}/predict", data=body, headers=headers)  # noqa: S310
    try:
        with open_url(request, SECONDS) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except HTTPError as error:
        raise _refused(error) from None
    except (URLError, OSError) as error:
        raise TemporaryError(
            "the service does not answer", given=error, next_step="mizzen status"
        ) from None


def api_of(workspace: Workspace) -> Connection:
    """The control API that the profile names."""
    from mizzen.state.remote import connect

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
