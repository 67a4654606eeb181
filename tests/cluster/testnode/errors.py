"""The one error of this package. The command line prints it; pytest fixtures skip or fail on it."""

from __future__ import annotations


class ClusterError(Exception):
    """Something the reader can act on: what was given, what is allowed, what to do next."""

    def __init__(self, given: str, *, allowed: str = "", next_step: str = "") -> None:
        self.given = given
        self.allowed = allowed
        self.next_step = next_step
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [self.given]
        if self.allowed:
            lines.append(f"  allowed: {self.allowed}")
        if self.next_step:
            lines.append(f"  next:    {self.next_step}")
        return "\n".join(lines)
