"""Requests that arrive together are answered together.

A boosted model costs as much for 1 row as for 32, and so does a write to the log. There is no
waiting for company: a flush is scheduled behind everything that the event loop has already
received, so under load batches grow by themselves and a lone request goes at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from mizzen.errors import TemporaryError
from mizzen_serving.predictions import Result
from mizzen_serving.rows import Row

_INLINE_ROWS = 64  # more are predicted beside the event loop, so that health checks go on
_FLUSH_ROWS = 1024

Answerer = Callable[[Sequence[Row]], list[Result]]
_Outcome = list[Result] | Exception


class _Waiting(NamedTuple):
    rows: Sequence[Row]
    future: asyncio.Future[list[Result]]


class Batcher:
    """Collects rows of one event loop for `answer`, which is called once at a time.

    Args:
        capacity: requests that may wait; more are refused.
        inline: short batches run in the event loop; false where answering waits for I/O.
        observe: called with the number of rows of each batch.
    """

    def __init__(
        self, answer: Answerer, capacity: int, inline: bool, observe: Callable[[int], None]
    ) -> None:
        self._answer = answer
        self._capacity = capacity
        self._inline = inline
        self._observe = observe
        self._waiting: list[_Waiting] = []
        self._scheduled = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")

    def submit(self, rows: Sequence[Row]) -> asyncio.Future[list[Result]]:
        """The results of these rows, in order.

        Raises:
            TemporaryError: as many requests wait as may.
        """
        if len(self._waiting) >= self._capacity:
            raise TemporaryError(
                "the service is overloaded",
                given=f"{len(self._waiting)} requests wait",
                next_step="send the request again later, or start more workers",
            )
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Result]] = loop.create_future()
        self._waiting.append(_Waiting(rows, future))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._flush, loop)
        return future

    def close(self) -> None:
        """Release the thread."""
        self._thread.shutdown(wait=True)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        taken, rows = self._take()
        requests = [waiting.rows for waiting in taken]
        self._observe(rows)
        if self._inline and rows <= _INLINE_ROWS:
            self._settle(taken, _answer_all(self._answer, requests), loop)
            return
        work = loop.run_in_executor(self._thread, _answer_all, self._answer, requests)
        work.add_done_callback(lambda done: self._settle(taken, done.result(), loop))

    def _take(self) -> tuple[list[_Waiting], int]:
        """The requests that are answered now, and how many rows they have."""
        rows = count = 0
        for waiting in self._waiting:
            if rows and rows + len(waiting.rows) > _FLUSH_ROWS:
                break
            rows += len(waiting.rows)
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken, rows

    def _settle(
        self,
        taken: list[_Waiting],
        outcomes: list[_Outcome],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        for (_, future), outcome in zip(taken, outcomes, strict=True):
            if future.done():  # the client may have gone
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            loop.call_soon(self._flush, loop)


def _answer_all(answer: Answerer, requests: list[Sequence[Row]]) -> list[_Outcome]:
    """Each request's results, or its error. Requests are answered together; where that fails,
    by halves, so that a row that cannot be answered fails its own request and no other."""
    rows = [row for request in requests for row in request]
    try:
        results = iter(answer(rows))
    except TemporaryError as error:
        return [error] * len(requests)  # of the log or a store: no row's fault
    except Exception as error:  # noqa: BLE001 - each waiting request gets an answer, none hangs
        if len(requests) == 1:
            return [error]
        half = len(requests) // 2
        return _answer_all(answer, requests[:half]) + _answer_all(answer, requests[half:])
    return [list(islice(results, len(request))) for request in requests]
