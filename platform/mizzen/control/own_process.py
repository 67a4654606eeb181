"""One call of a module in a process of its own, for what it imports or what its environment says.

The module prints its answer as the last line; or, on the error output, its `MizzenError` as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from tempfile import TemporaryFile
from typing import IO

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
    process = OwnProcess(module, words, place, failure, told=told, environment=environment)
    try:
        process.wait()
    except BaseException:
        process.stop()
        raise
    return process.answer()


class OwnProcess:
    """A module that answers in a process of its own while its caller goes on; see `ask_module`."""

    def __init__(
        self,
        module: str,
        words: list[str],
        place: Place,
        failure: str,
        *,
        told: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._failure = failure
        # files: nobody reads a pipe while it runs, and a full one would stop it
        self._output, self._errors = TemporaryFile(), TemporaryFile()  # noqa: SIM115 (see answer)
        with TemporaryFile() as given:
            given.write(told.encode())
            given.seek(0)
            self._process = subprocess.Popen(
                # -P: a project's own json.py in the working folder must not shadow the library's
                [sys.executable, "-P", "-m", module, *words],
                stdin=given,
                stdout=self._output,
                stderr=self._errors,
                env={**os.environ, **(environment or {}), **place.to_environment()},
            )

    def ended(self) -> bool:
        """Whether it has ended, well or not."""
        return self._process.poll() is not None

    def wait(self) -> None:
        """Return when it has ended."""
        self._process.wait()

    def answer(self) -> str:
        """What it answered, once it has ended.

        Raises:
            MizzenError: what the module raised.
        """
        told, complained = _read(self._output), _read(self._errors)
        if self._process.returncode != 0:
            raise _why(self._failure, complained)
        return told.strip().splitlines()[-1]

    def stop(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()


def answer_with(work: Callable[[], object]) -> int:
    """The module's side of it: print what `work` returns, or its error; the exit status."""
    try:
        answer = work()
    except MizzenError as error:
        sys.stderr.write(f"{json.dumps(error.as_dict())}\n")
        return error.exit_code
    sys.stdout.write(f"{answer}\n")
    return os.EX_OK


def _read(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode("utf-8", errors="replace")


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
