"""The ASGI application: requests in, answers out. `service` mounts it into a BentoML service.

Hand-made because it is the hot path: no router, no middleware, no response objects.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from mizzen.adapters.uvicorn.connections import Connections
from mizzen.core.place import Place
from mizzen.core.true_labels import LabelRule
from mizzen.errors import InvalidData, MizzenError, TemporaryError
from mizzen_serving import openapi
from mizzen_serving.board import WorkerBoard
from mizzen_serving.bodies import ClientGone, read_body
from mizzen_serving.decoding import Request
from mizzen_serving.door import Door, open_door
from mizzen_serving.labels import MAX_BYTES, decode_labels, keep_labels
from mizzen_serving.options import ServeOptions
from mizzen_serving.outputs import Answer, BatchAnswer, SingleAnswer
from mizzen_serving.pages import Pages
from mizzen_serving.predictions import OutputFault, Overflow, Result
from mizzen_serving.refusals import RefusedRequest
from mizzen_serving.runtime import Engine, start_engine

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]
Reply = tuple[int, bytes, list[Header]]

logger = logging.getLogger("mizzen.serving")
JSON: list[Header] = [(b"content-type", b"application/json")]
_GONE = 499  # counted like this; nobody gets it
_encode = msgspec.json.Encoder().encode


class ServingApp:
    """One service process. Answers 503 until `start` returned and while it is draining.

    Args:
        board: of several workers, and this one's place on it.
    """

    def __init__(self) -> None:
        self._board: tuple[WorkerBoard, int] | None = None
        self._pages = Pages(self.show_load)
        self._connections: Connections | None = None
        self._in_flight = 0
        self._door: Door | None = None
        self._engine: Engine | None = None
        self._posts = {"/predict": self._predict, "/labels": self._labels}

    @property
    def paths(self) -> frozenset[str]:
        """The paths that this application answers."""
        return frozenset((*self._posts, *self._pages.paths))

    @property
    def description(self) -> openapi.Document | None:
        """The OpenAPI document of the model that answers; None before `start`."""
        return self._pages.description or None

    @property
    def started(self) -> bool:
        """Whether there is a model that answers."""
        return self._engine is not None

    def join(self, board: tuple[WorkerBoard, int] | None) -> None:
        """Say on a board of several workers, before the start, whether this one is ready."""
        self._board = board
        self._pages.workers = None if board is None else board[0]

    def start(self, options: ServeOptions, place: Place) -> None:
        """Load everything, once; see `start_engine`."""
        if self._engine is not None:
            return
        # first: what is wrong with it is found before the model loads
        self._door = open_door(options)
        engine = start_engine(options, place)
        described = openapi.document(engine.model.project, options.version, engine.contract)
        self._pages.start(engine, described)
        self._engine = engine
        if self._board is not None:
            board, worker = self._board
            board.set_ready(worker, True)

    def admits(self, scope: Scope) -> bool:
        """Whether the door lets a request for a path of BentoML's pass."""
        try:
            self._check_door(scope)
        except RefusedRequest:
            return False
        return True

    def watch(self, connections: Connections) -> None:
        """Show how many connections this process has."""
        self._connections = connections

    def show_load(self) -> None:
        """Bring the figures of the moment into the metrics."""
        if self._engine is not None:
            open_ones = 0 if self._connections is None else len(self._connections)
            self._engine.instruments.show_load(self._in_flight, open_ones)

    def count_refusal(self, reason: str) -> None:
        """A limit ended a connection or a request."""
        if self._engine is not None:
            self._engine.instruments.refused_connections.labels(reason).inc()

    def drain(self) -> None:
        """From now on unready, and each answer is the last of its connection."""
        self._pages.draining = True
        if self._board is not None:
            board, worker = self._board
            board.set_ready(worker, False)

    def stop(self) -> None:
        """Take everything down once the last request was answered."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        engine, path = self._engine, scope["path"]
        self._in_flight += 1
        status = 500
        try:
            status, body, headers = await self._reply(engine, scope, receive)
            headers = [*headers, (b"content-length", str(len(body)).encode())]
            if self._pages.draining:
                headers.append((b"connection", b"close"))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        except ClientGone:
            status = _GONE
        finally:
            self._in_flight -= 1
            if engine is not None:
                known = path if path in self._posts or path in self._pages.paths else "other"
                engine.instruments.request(known, status, time.perf_counter() - started)

    async def _reply(self, engine: Engine | None, scope: Scope, receive: Receive) -> Reply:
        try:
            return await self._dispatch(engine, scope, receive)
        except ClientGone:
            raise
        except RefusedRequest as error:
            closing = [(b"connection", b"close")] if error.status == 413 else []
            return error.status, _encode(error.as_dict()), [*JSON, *closing, *error.headers]
        except InvalidData as error:
            return 422, _encode(error.as_dict()), JSON
        except TemporaryError as error:
            return 503, _encode(error.as_dict()), [*JSON, (b"retry-after", b"1")]
        except MizzenError as error:
            return 500, _encode(error.as_dict()), JSON
        except Exception:
            logger.exception("a request failed")
            return 500, _encode({"error": "InternalError", "message": "see the log"}), JSON

    async def _dispatch(self, engine: Engine | None, scope: Scope, receive: Receive) -> Reply:
        path, method = scope["path"], scope["method"]
        if engine is None:
            return self._not_ready(path)
        if self._door is not None:
            self._check_door(scope)
        post = self._posts.get(path)
        if post is not None:
            if method != "POST":
                return _refuse(405, f"{method} {path} is not answered", "POST")
            limit = engine.contract.max_bytes if path == "/predict" else MAX_BYTES
            return await post(engine, await read_body(scope["headers"], receive, limit))
        if path not in self._pages.paths:
            return _refuse(404, f"there is no {path}", ", ".join(sorted(self.paths)))
        if method not in ("GET", "HEAD"):
            return _refuse(405, f"{method} {path} is not answered", "GET")
        body, kind = await self._pages.get(path, engine)
        return 200, b"" if method == "HEAD" else body, [(b"content-type", kind)]

    def _check_door(self, scope: Scope) -> None:
        """A request without `client` comes from within the process, not over HTTP."""
        if self._door is not None and "client" in scope:
            peer = scope["client"][0] if scope["client"] else ""
            self._door.check(scope["path"], scope["headers"], peer)

    async def _predict(self, engine: Engine, body: bytes) -> Reply:
        request = engine.decoder.decode(body)
        results = await engine.batcher.submit(request.rows)
        answers = [_sound(engine, request, n, result) for n, result in enumerate(results)]
        name, version = engine.model.project.name, engine.model.version
        if request.single:
            one = answers[0]
            single = SingleAnswer(
                name,
                version,
                one.prediction_id,
                one.output,
                one.missing,
                one.outside,
                one.unknown,
            )
            return 200, _encode(single), JSON
        return 200, _encode(BatchAnswer(name, version, answers)), JSON

    async def _labels(self, engine: Engine, body: bytes) -> Reply:
        request, model = decode_labels(body), engine.model
        rule = LabelRule(model.project.task, model.encoder.classes)
        # it looks for the predictions in the log; other requests must not wait for that
        kept = await asyncio.to_thread(keep_labels, request, engine.log, rule, datetime.now(UTC))
        if not request.dry_run:
            engine.instruments.labels.inc(len(request.labels))
        return 200, _encode(kept), JSON

    def _not_ready(self, path: str) -> Reply:
        if path == "/healthz":
            return 200, b'{"status":"starting"}', JSON
        raise TemporaryError("the service is starting", next_step="ask again: GET /readyz")


def _sound(engine: Engine, request: Request, row: int, result: Result) -> Answer:
    if isinstance(result, Overflow):
        field = result.field if request.single else f"rows[{row}].{result.field}"
        raise RefusedRequest(
            422,
            f"field {field!r} lies so far outside what the model was trained on that it has no "
            "finite answer",
            field,
            given=result.value,
            next_step="fix the value or its unit, or send null",
        )
    if isinstance(result, OutputFault):
        engine.instruments.output_faults.inc()
        logger.error("%s", result)
        raise result
    return result


def _refuse(status: int, message: str, allowed: str) -> Reply:
    headers = [*JSON, (b"allow", allowed.encode())] if status == 405 else JSON
    return status, _encode(RefusedRequest(status, message, allowed=allowed).as_dict()), headers
