"""Our service on uvicorn's own protocol, to see what limits cost: arguments of `mizzen_serving`."""

from __future__ import annotations

import runpy
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mizzen.adapters.uvicorn import server


def _unlimited(*given: Any, connections: Any, **named: Any) -> HttpToolsProtocol:
    return HttpToolsProtocol(*given, **named)


if __name__ == "__main__":
    server.LimitedProtocol = _unlimited  # type: ignore[assignment,misc]
    runpy.run_module("mizzen_serving", run_name="__main__", alter_sys=True)
