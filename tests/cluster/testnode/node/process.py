"""One program that the supervisor starts, and starts again when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    user: str = "root"
