"""What a check found. Pure values, so that checks return them and front doors show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mizzen.errors import MizzenError


@dataclass(frozen=True, slots=True)
class Finding:
    """`error` stops a run, `warning` deserves a look, `ok` says what was checked."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str
    next_step: str | None = None


def refused(subject: str, error: MizzenError) -> Finding:
    """An error of the tree as a finding."""
    details = [error.message]
    details += [f"given: {error.given}"] if error.given is not None else []
    details += [f"allowed: {error.allowed}"] if error.allowed is not None else []
    return Finding("error", subject, "; ".join(details), error.next_step)
