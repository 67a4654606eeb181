"""Docstrings as parts of a page: text, arguments, errors."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

_SECTION = re.compile(r"^(Args|Raises):\n", re.MULTILINE)
_ENTRY = re.compile(r"^    (\S[^:\n]*): (.*(?:\n     +.*)*)", re.MULTILINE)
Entries = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Docstring:
    """`arguments` and `errors`: name -> what is said of it, in the docstring's order."""

    text: str
    arguments: Entries = ()
    errors: Entries = ()


def read_docstring(member: object) -> Docstring:
    """The parts of what a function or class says of itself."""
    text, *sections = _SECTION.split(inspect.getdoc(member) or "")
    found = dict(zip(sections[::2], sections[1::2], strict=True))
    paragraphs = (_one_line(part) for part in text.strip().split("\n\n"))
    return Docstring(
        "\n\n".join(paragraphs), _entries(found.get("Args", "")), _entries(found.get("Raises", ""))
    )


def _entries(section: str) -> Entries:
    return tuple((name, _one_line(said)) for name, said in _ENTRY.findall(section))


def _one_line(text: str) -> str:
    return " ".join(text.split())
