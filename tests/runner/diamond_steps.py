"""Plain functions of the pipelines in `diamond`; without KFP, as every step's function is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple


class Made(NamedTuple):
    rows: int
    share: float
    name: str
    fine: bool


def plain_make(*, number: int, options: dict[str, Any], frame: Path) -> Made:
    frame.write_text(f"{number} {sorted(options.items())}")
    return Made(number, number / 4, f"it's {number}", number > 2)


def plain_double(*, number: int, frame: Path, part: Path) -> int:
    part.write_text(frame.read_text() + f" x2={2 * number}")
    return 2 * number


def plain_join(*, left: Path, right: Path, text: str, total: int) -> str:
    return f"{left.read_text()} | {right.read_text()} | {text} | {total}"


def plain_note(*, text: str) -> str:
    return text.upper()


def plain_score(*, value: str) -> float:
    return float(value)
