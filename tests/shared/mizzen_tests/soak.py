"""How long a test with a long form runs: a sample usually, all of it in `make soak`."""

from __future__ import annotations

import os

SOAK = os.environ.get("MIZZEN_SOAK") == "1"


def examples(usual: int, soak: int) -> int:
    """How many examples, or trials, a test marked `soak` takes."""
    return soak if SOAK else usual
