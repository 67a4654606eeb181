"""A page that costs more than a prediction to make, such as the one of metrics.

Whoever asks for it in a loop, and reads no answer, must not take the processor from those who
predict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_REST = 100  # times what making a page took; the next one is made after it


class SharedPage:
    """Makes a page at most a hundredth of the time, in one event loop. All who wait for the next
    one get the same: it is made after they asked, so it is never older than their question."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._next: asyncio.Future[bytes] | None = None
        self._not_before = 0.0

    async def get(self) -> bytes:
        """The next page.

        Raises:
            Exception: what making it raises.
        """
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.create_future()
            loop.call_at(self._not_before, self._make_next, loop, self._next)
        return await asyncio.shield(self._next)  # one who leaves takes it from nobody

    def _make_next(self, loop: asyncio.AbstractEventLoop, waited: asyncio.Future[bytes]) -> None:
        self._next = None
        began = loop.time()
        try:
            waited.set_result(self._make())
        except Exception as error:  # noqa: BLE001 - whoever waits is told, none waits for ever
            waited.set_exception(error)
        ended = loop.time()
        self._not_before = ended + _REST * (ended - began)
