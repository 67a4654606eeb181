"""The reference says what the code says: generated pages, examples, fields, variables."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mizzen.cli.reference import FOLDER, PAGES
from mizzen.cli.reference.commands import commands, example_of
from mizzen.cli.reference.fields import fields

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = dict(commands())
SOURCES = ("platform", "pipelines/mizzen_pipelines", "components", "serving", "monitoring")
_VARIABLE = re.compile(r"\bMIZZEN_[A-Z][A-Z_]*\b")


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_generated(name: str) -> None:
    committed = (ROOT / FOLDER / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "run: make generate"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_an_example_that_is_understood(name: str) -> None:
    example = example_of(COMMANDS[name])
    assert f"{example} ".startswith(f"{name} ")
    words = shlex.split(re.sub(r"\$\(.*?\)", "x", example))
    COMMANDS[name].make_context(name, words[len(name.split()) :])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_and_option_is_told(name: str) -> None:
    silent = [p.name for p in COMMANDS[name].params if not p.help and not p.hidden]
    assert silent == []


def test_every_field_of_a_description_is_told() -> None:
    assert [name for name, field in fields() if not field.get("description")] == []


def test_every_variable_that_the_code_reads_is_told() -> None:
    told = set(_VARIABLE.findall((ROOT / FOLDER / "environment.md").read_text(encoding="utf-8")))
    files = (file for source in SOURCES for file in (ROOT / source).rglob("*.py"))
    found = {name for file in files for name in _VARIABLE.findall(file.read_text("utf-8"))}
    assert told == found
