"""The application: routes over a state, behind a token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI

from mizzen import __version__
from mizzen.adapters.uvicorn.addresses import Proxies
from mizzen.api import error_responses, health
from mizzen.api.auth import principal_of
from mizzen.api.metrics import Instruments
from mizzen.api.middleware import RequestMiddleware
from mizzen.api.routes import (
    bundles,
    events,
    leases,
    models,
    monitoring,
    predictions,
    problems,
    projects,
    runbooks,
    runs,
    triggers,
)
from mizzen.api.settings import Settings
from mizzen.state.sql_state import SqlState

PREFIX = "/api/v1"
_ABOUT = """\
What Mizzen remembers of a cluster's projects. Every write may be repeated: ids and keys are the
client's. JSON bodies are read to the letter: a value of another type than described, and a name
that is unknown or given twice, are refused; instants are ISO 8601 text with a zone. An error is a
problem document (RFC 9457) with `given`, `allowed`, `next` and `retryable` beside its own.
Long lists come in pages of up to 1000: `after` is the last item that was seen, and the Link header
leads on. Reads have an ETag."""


class ControlApi(FastAPI):
    """The application, described with its errors."""

    def openapi(self) -> dict[str, Any]:
        """See `FastAPI`."""
        found = super().openapi()
        error_responses.describe(found)
        return found


def create_app(state: SqlState, settings: Settings) -> FastAPI:
    """The application; `stopping` of its state ends the streams when it is to go."""
    app = ControlApi(
        title="Mizzen control API",
        version=__version__,
        description=_ABOUT,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # that page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # to an address that the client's Host header chooses
        lifespan=_life,
    )
    app.state.mizzen, app.state.settings = state, settings
    app.state.instruments, app.state.stopping = Instruments(), asyncio.Event()
    app.state.streams = events.Streams(app.state.instruments, app.state.stopping)
    app.state.proxies = Proxies(settings.limits.trusted_proxies)
    app.state.readiness = health.Readiness(state, app.state.instruments)
    app.include_router(health.router)
    for part in (runbooks, problems):
        app.include_router(part.router, prefix=PREFIX, responses=error_responses.DESCRIBED)
    guard = [Depends(principal_of), Depends(health.usable)]
    parts = (projects, bundles, runs, leases, events, models, monitoring, triggers, predictions)
    for part in parts:
        app.include_router(
            part.router, prefix=PREFIX, dependencies=guard, responses=error_responses.DESCRIBED
        )
    error_responses.install(app)
    app.add_middleware(
        RequestMiddleware,
        instruments=app.state.instruments,
        largest=settings.largest,
        tokens=settings.tokens,
        guarded=f"{PREFIX}/",
    )
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    async with predictions.services(app.state.settings) as client:
        app.state.services = client
        yield
