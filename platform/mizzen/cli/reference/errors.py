"""`errors.md`: the tree of errors with exit codes, from `mizzen.errors`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from mizzen.errors import MizzenError

_HEAD = """\
# Errors

Generated from `mizzen.errors` by `python -m mizzen.cli.reference`.

The type says whether trying again can help: a step whose error is of such a type gets another
attempt where `trainer.retries` left one; any other error ends the step. The text says what was
given, what is allowed and what to do next. With `--json` a command answers `{"error": {...}}` with
`error` (the type), `message`, `given`, `allowed`, `next` and `retryable`. [How to read an
error](../how-to/read-an-error.md) walks through some.

| error | exit code | try again | meaning |
|---|---|---|---|
"""
_TAIL = """
Codes without an error of their own: 0 done (also when the gate refused the model: the verdict
says so), 1 an unexpected error, 2 wrong usage of the command, 130 interrupted from the
keyboard.
"""


def errors_page() -> str:
    """The whole page."""
    rows = [
        f"| {'&emsp;' * depth}`{error.__name__}` | {error.exit_code} "
        f"| {'yes' if error.retryable else 'no'} | {_meaning(error)} |"
        for error, depth in tree(MizzenError)
    ]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL


def tree(error: type[MizzenError], depth: int = 0) -> Iterator[tuple[type[MizzenError], int]]:
    """The error and everything below it, with its depth."""
    yield error, depth
    for below in error.__subclasses__():
        if below.__module__ == MizzenError.__module__:
            yield from tree(below, depth + 1)


def _meaning(error: type[MizzenError]) -> str:
    return " ".join((inspect.getdoc(error) or "").split("\n\n")[0].split())
