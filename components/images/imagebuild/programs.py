"""The programs that building runs, and a failure that shows their last words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mizzen.errors import UserError

KEPT_LINES = 20


def uv() -> str:
    """uv beside this Python, as `make setup` puts it there, else the one on PATH.

    Raises:
        UserError: there is none.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise UserError("uv is not there", next_step="make setup")
    return found


def run(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> str:
    """Run to the end and return standard output.

    Raises:
        UserError: it failed; the text ends with its last lines.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr + done.stdout).strip().splitlines()[-KEPT_LINES:]
        shown = " ".join(words[:2])
        raise UserError(f"{shown} ended with {done.returncode}:\n" + "\n".join(said))
    return done.stdout
