"""The control API in a loop that starts it again, and that kills it where a test says.

    python dying_api.py FILE [arguments of mizzen.api]

While FILE exists, the next write dies by SIGKILL and takes FILE with it: FILE holds `commit` (just
before the commit) or `answer` (after it, before the answer). The product knows nothing of this.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mizzen.api.__main__ import main
from mizzen.api.middleware import RequestMiddleware
from mizzen.state.sqlalchemy_store import ServerStore

_DIE_WITH_PARENT = 1


def _forever(file: Path, words: list[str]) -> None:
    while True:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            _sabotage(file)
            os._exit(main(words))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


def _sabotage(file: Path) -> None:
    transaction, answer = ServerStore.transaction, RequestMiddleware.__call__

    @contextmanager
    def before_commit(self: ServerStore, *, write: bool, durable: bool) -> Iterator[Any]:
        with transaction(self, write=write, durable=durable) as session:
            yield session
            if write:
                _die(file, "commit")

    async def before_answer(self: RequestMiddleware, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if scope["method"] != "GET":
                _die(file, "answer")
            await send(message)

        wrapped = send if scope["type"] != "http" else sending
        await answer(self, scope, receive, wrapped)

    ServerStore.transaction = before_commit  # type: ignore[method-assign]
    RequestMiddleware.__call__ = before_answer  # type: ignore[method-assign]


def _die(file: Path, where: str) -> None:
    if file.exists() and file.read_text() == where:
        file.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _forever(Path(sys.argv[1]), sys.argv[2:])
