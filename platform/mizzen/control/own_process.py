"""One call of a module in a process of its own, for what it imports or what its environment says.

The module prints its answer as the last line; or, on the error output, its `MizzenError` as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping

import mizzen.errors
from mizzen.core.place import Place
from mizzen.errors import MizzenError, TemporaryError


def ask_module(
    module: str,
    words: list[str],
    place: Place,
    failure: str,
    *,
    told: str = "",
    environment: Mapping[str, str] | None = None,
) -> str:
    """The module's answer.

    Args:
        failure: said of a process that ends without an error of ours.
        told: its standard input.

    Raises:
        MizzenError: what the module raised.
    """
    done = subprocess.run(
        # -P: a project's own json.py in the working folder must not shadow the library's
        [sys.executable, "-P", "-m", module, *words],
        input=told,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environment or {}), **place.to_environment()},
    )
    if done.returncode != 0:
        raise _why(failure, done.stderr)
    return done.stdout.strip().splitlines()[-1]


def answer_with(work: Callable[[], object]) -> int:
    """The module's side of it: print what `work` returns, or its error; the exit status."""
    try:
        answer = work()
    except MizzenError as error:
        sys.stderr.write(f"{json.dumps(error.as_dict())}\n")
        return error.exit_code
    sys.stdout.write(f"{answer}\n")
    return os.EX_OK


def _why(failure: str, told: str) -> MizzenError:
    """The error of the process; its type says whether trying again can help."""
    try:
        found = json.loads(told.strip().splitlines()[-1])
        kind: type[MizzenError] = getattr(mizzen.errors, found["error"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return TemporaryError(failure, given=told.strip()[-2000:] or "no answer")
    return kind(
        found["message"],
        given=found["given"],
        allowed=found["allowed"],
        next_step=found["next"],
    )
