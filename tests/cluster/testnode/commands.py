"""How this package runs programs: argument lists only, and a failure that shows their words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from testnode.errors import ClusterError

POLITE = ("nice", "-n", "19")  # a build of minutes must not starve who shares the machine
KEPT_LINES = 15  # enough for the cause; a whole Go build log would bury it


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    next_step: str = "",
    timeout_s: float | None = None,
    polite: bool = False,
) -> str:
    """Run to the end and return standard output; `polite` leaves the processor to others first.

    Raises:
        ClusterError: the program failed; the text ends with its last lines.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            [*POLITE, *words] if polite else words,
            input=stdin,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    except FileNotFoundError as missing:
        raise ClusterError(
            f"{words[0]} is not there", next_step=next_step or "python tests/cluster build"
        ) from missing
    except subprocess.TimeoutExpired as late:
        raise ClusterError(
            f"{_shown(words)} did not end within {timeout_s:g} s", next_step=next_step
        ) from late
    if done.returncode != 0:
        said = tail(done.stderr or done.stdout)
        raise ClusterError(
            f"{_shown(words)} ended with {done.returncode}:\n{said}", next_step=next_step
        )
    return done.stdout


def tail(text: str, lines: int = KEPT_LINES) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _shown(words: Sequence[str]) -> str:
    """Program and verb only: further arguments may carry credentials."""
    return " ".join([Path(words[0]).name, *words[1:3]])
