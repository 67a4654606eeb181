"""Uvicorn, and how it goes: open streams would keep it for as long as their runs last."""

from __future__ import annotations

from types import FrameType

import uvicorn


class Server(uvicorn.Server):
    """One server process. SIGTERM ends the streams; their clients go on at another replica."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Told to stop."""
        self.config.app.state.stopping.set()  # type: ignore[union-attr]
        super().handle_exit(sig, frame)
