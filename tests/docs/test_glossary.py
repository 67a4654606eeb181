"""The glossary names things that are there, and each term once."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "glossary.md"
ROWS = re.findall(r"^\| ([^|]+) \| [^|]+ \| `([\w.]+)` \|$", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", sorted({name for _, name in ROWS}))
def test_what_the_glossary_names_is_in_the_code(name: str) -> None:
    module, _, last = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        assert hasattr(importlib.import_module(module), last)


def test_a_term_has_one_meaning() -> None:
    terms = [term for words, _ in ROWS for term in words.split(", ")]
    assert len(terms) > 30
    assert len(terms) == len(set(terms))
