"""A server process from its start to an end that fails no request.

Told to stop (SIGTERM, SIGINT, SIGHUP), it says so at once (`on_drain`), goes on answering for
`drain` seconds, lets nobody connect any more, answers who is connected, and ends. A second
signal ends the waiting.
"""

from __future__ import annotations

import functools
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import CDLL
from types import FrameType
from typing import Any

import uvicorn

from mizzen.adapters.uvicorn.connections import Connections
from mizzen.adapters.uvicorn.listener import take_no_more
from mizzen.adapters.uvicorn.protocol import LimitedProtocol

BACKLOG = 1024
ANSWER_SECONDS = 30  # for what is being answered when the drain is over
SETTLE_SECONDS = 0.3  # until the last that connected are accepted
LEAVE = signal.SIGUSR1  # from the supervisor of several workers: the drain is over
_M_MMAP_THRESHOLD, _THRESHOLD_BYTES = -3, 1 << 20


def configuration(app: Any, connections: Connections, **options: Any) -> uvicorn.Config:
    """Uvicorn's configuration with our protocol; `options` are uvicorn's."""
    return uvicorn.Config(
        app,
        http=functools.partial(LimitedProtocol, connections=connections),  # type: ignore[arg-type]
        ws="none",
        backlog=BACKLOG,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who is behind a proxy is for Connections to say
        **{"timeout_graceful_shutdown": ANSWER_SECONDS, **options},
    )


class DrainingServer(uvicorn.Server):
    """Uvicorn that says goodbye before it leaves.

    Args:
        connections: those of `config`.
        own: a listening socket that nobody else accepts from when this process has ended.
        managed: one of several workers: repeated signals change nothing, LEAVE ends the drain.
        parent: the process whose end is as good as a signal. Linux can send one, and was seen not
            to where the end came by SIGKILL, so it is looked for as well.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        connections: Connections,
        drain: float,
        on_drain: Callable[[], None],
        own: socket.socket | None = None,
        managed: bool = False,
        parent: int | None = None,
    ) -> None:
        super().__init__(config)
        self._connections, self._drain, self._on_drain = connections, drain, on_drain
        self._own, self._managed, self._parent = own, managed, parent
        self._leave_at: float | None = None
        self._settled_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain, the second ends it."""
        if self._leave_at is None and self.started:
            self._on_drain()
            self._leave_at = time.monotonic() + self._drain
        elif not self._managed:
            super().handle_exit(sig, frame)
        elif sig == LEAVE:
            self._leave_at = self._settled_at = 0.0

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        return await super().on_tick(counter) or self._is_over(time.monotonic())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the connections go; those too that are still being made."""
        self._connections.leaving = True
        await super().shutdown(sockets)

    def _is_over(self, now: float) -> bool:
        if self._leave_at is None and self._parent not in {None, os.getppid()}:
            self.handle_exit(signal.SIGTERM, None)
        if self._leave_at is None or now < self._leave_at:
            return False
        self._connections.leaving = True
        if self._own is None:
            return True
        if self._settled_at is None:
            take_no_more(self._own)
            self._settled_at = now + SETTLE_SECONDS
        return now >= self._settled_at

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGHUP too, which a closed terminal sends; not where `nohup` ignores it."""
        more = [LEAVE] if self._managed else []
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            more.append(signal.SIGHUP)
        before = {number: signal.signal(number, self.handle_exit) for number in more}
        try:
            with super().capture_signals():
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def give_memory_back() -> None:
    """Let large bodies go back to the system when they are read: the C library keeps what it
    once had in pieces of up to 32 MB, as many as came at the same time."""
    with suppress(OSError, AttributeError):
        CDLL(None).mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
