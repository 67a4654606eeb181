"""What a process prints: without credentials, and in what its terminal can show."""

from __future__ import annotations

import codecs
import os
import sys
from io import TextIOWrapper
from typing import TextIO

from mizzen.masking import masked

_SHOWN = "mizzen-shown"
# Signs of ours that have a plain cousin; other characters are shown by their number.
_PLAIN = {"✓": "+", "✗": "x", "…": "...", "·": ".", "■": "#", "→": "->", "\u2013": "-"}


class GuardedStream(TextIOWrapper):
    """A text stream whose lines carry no credentials and fail in no encoding."""

    def write(self, text: str, /) -> int:
        """Write a text; returns its length."""
        super().write(masked(text))
        return len(text)


def guard_streams() -> None:
    """Guard this process's output and error output; called once, by whoever starts it.

    Children write UTF-8 into our files and pipes, whatever the terminal shows.
    """
    sys.stdout, sys.stderr = _guarded(sys.stdout, 1), _guarded(sys.stderr, 2)
    os.environ["PYTHONIOENCODING"] = "utf-8:backslashreplace"


def guarded(descriptor: int, encoding: str, line_buffering: bool) -> GuardedStream:
    """A guarded stream over a descriptor, which stays open when the stream is closed."""
    raw = open(descriptor, "wb", closefd=False)  # noqa: SIM115 (the stream's own)
    return GuardedStream(raw, encoding, _SHOWN, line_buffering=line_buffering)


def _guarded(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None or isinstance(stream, GuardedStream):  # closed, or guarded already
        return stream  # type: ignore[return-value]
    stream.flush()
    lines = stream.isatty() or descriptor == 2
    return guarded(descriptor, stream.encoding or "utf-8", lines)


def _shown(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign) or _numbered(sign) for sign in signs), error.end


def _numbered(sign: str) -> str:
    return sign.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(_SHOWN, _shown)
