"""What a service answers to GET: whether it lives and is ready, its metrics, its description."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from mizzen.errors import TemporaryError
from mizzen_serving import openapi
from mizzen_serving.board import WorkerBoard
from mizzen_serving.metrics import CONTENT_TYPE
from mizzen_serving.runtime import Engine
from mizzen_serving.shared_page import SharedPage

Page = tuple[bytes, bytes]
"""A body and its content type."""

_JSON = b"application/json"
_encode = msgspec.json.Encoder().encode


class Pages:
    """Those of one process.

    `paths`: where there is one. `workers`: the board of all of them, where there are several.
    `draining`: it is about to end.

    Args:
        show_load: brings the figures of the moment into the metrics.
    """

    def __init__(self, show_load: Callable[[], None]) -> None:
        self._show_load = show_load
        self.workers: WorkerBoard | None = None
        self.description: openapi.Document = {}
        self.draining = False
        self._answers: dict[str, Callable[[Engine], Awaitable[Page]]] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/openapi.json": self._openapi,
            "/docs": self._docs,
        }
        self.paths = frozenset(self._answers)

    def start(self, engine: Engine, description: openapi.Document) -> None:
        """From now on `engine` answers, which `description` is the OpenAPI document of."""
        self.description = description
        self._document = json.dumps(description, indent=1).encode()
        self._readable = openapi.page(description).encode()
        self._figures = SharedPage(lambda: self._render(engine))

    async def get(self, path: str, engine: Engine) -> Page:
        """One of `paths`.

        Raises:
            TemporaryError: the service is not ready.
        """
        return await self._answers[path](engine)

    async def _healthz(self, engine: Engine) -> Page:
        return b'{"status":"alive"}', _JSON

    async def _readyz(self, engine: Engine) -> Page:
        if self.draining:
            raise TemporaryError("the service is stopping", next_step="ask another one")
        workers = self._count_workers()
        engine.log.check()
        model = engine.model
        told = {"status": "ready", "model": model.project.name, "version": model.version}
        return _encode({**told, **workers}), _JSON

    def _count_workers(self) -> dict[str, Any]:
        """How many workers answer. One that ended is started again: the others go on."""
        board = self.workers
        if board is None:
            return {}
        if not board.complete:
            raise TemporaryError(
                "the service is starting",
                given=f"{board.ready} of {board.wanted} workers are ready",
            )
        return {"workers": {"ready": board.ready, "wanted": board.wanted}}

    async def _metrics(self, engine: Engine) -> Page:
        return await self._figures.get(), CONTENT_TYPE.encode()

    def _render(self, engine: Engine) -> bytes:
        instruments = engine.instruments
        if self.workers is not None:
            instruments.show_workers(self.workers.ready, self.workers.wanted)
        self._show_load()
        return instruments.render(engine.log.unsynced, engine.log.refused)

    async def _openapi(self, engine: Engine) -> Page:
        return self._document, _JSON

    async def _docs(self, engine: Engine) -> Page:
        return self._readable, b"text/html; charset=utf-8"
