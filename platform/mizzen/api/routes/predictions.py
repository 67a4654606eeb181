"""Predictions and labels, passed on to the model's own service and its answer passed back."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from mizzen.api.auth import ProjectName, StateOf
from mizzen.api.settings import Settings
from mizzen.errors import NotFound, TemporaryError
from mizzen.state.sql_state import SqlState

router = APIRouter(tags=["predictions"], prefix="/projects/{project}")
_JSON: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
        "description": "as the model's service describes it at its /openapi.json",
    }
}


def services(settings: Settings) -> httpx.AsyncClient:
    """The client of the models' services. What an environment says about proxies is not for
    addresses within the cluster."""
    limits = httpx.Timeout(settings.predicting, connect=3.0, pool=5.0)
    return httpx.AsyncClient(timeout=limits, trust_env=False, follow_redirects=False)


@router.post("/predict", openapi_extra=_JSON)
async def predict(request: Request, state: StateOf, project: ProjectName) -> Response:
    """The champion's answer to rows, as its service gave it."""
    return await _pass_on(request, state, project, "predict")


@router.post("/labels", openapi_extra=_JSON)
async def label(request: Request, state: StateOf, project: ProjectName) -> Response:
    """Keep what predictions turned out to be."""
    return await _pass_on(request, state, project, "labels")


async def _pass_on(request: Request, state: SqlState, project: str, verb: str) -> Response:
    await run_in_threadpool(_known, state, project)
    settings: Settings = request.app.state.settings
    client: httpx.AsyncClient = request.app.state.services
    address = settings.models.address(project)
    try:
        told = await client.post(
            f"{address}/{verb}",
            content=await request.body(),
            headers=_headers(request.headers, settings.service_token),
        )
    except httpx.HTTPError as error:
        raise _away(project, error) from None
    kind = told.headers.get("content-type", "application/json")
    return Response(told.content, told.status_code, media_type=kind)


def _headers(given: Mapping[str, str], token: str | None) -> dict[str, str]:
    """The body goes on as it came, compressed too; the caller's token is for this API only."""
    headers = {"Content-Type": "application/json"}
    if "content-encoding" in given:
        headers["Content-Encoding"] = given["content-encoding"]
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _known(state: SqlState, project: str) -> None:
    if all(found.name != project for found in state.projects.all()):
        raise NotFound(f"no project {project!r}", next_step="train it: mizzen run")


def _away(project: str, error: httpx.HTTPError) -> NotFound | TemporaryError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
            return NotFound(
                f"no service answers for {project}",
                next_step="install it: helm install NAME charts/mizzen-model",
            )
        cause = cause.__cause__ or cause.__context__
    return TemporaryError(
        f"the service of {project} does not answer",
        given=type(error).__name__,
        next_step="see its pods, then try again",
    )
