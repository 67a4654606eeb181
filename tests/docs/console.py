"""Reads the console blocks of a page and runs them, as a reader would type them.

Used by test_pages: a tutorial that no longer works fails the suite.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(console|python title=|yaml title=)?(.*?)\n(.*?)^```", re.M | re.S)
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)")


@dataclass(frozen=True)
class Command:
    """One `$ ` line with what the page shows below it; `...` stands for anything."""

    text: str
    shown: str


@dataclass(frozen=True)
class File:
    """A block titled with a file name: the reader saves it."""

    name: str
    text: str


def steps(page: Path) -> list[Command | File]:
    """What a reader does, in the page's order."""
    found: list[Command | File] = []
    for kind, rest, body in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "console":
            found += _commands(body)
        elif kind:
            found.append(File(rest.strip().strip('"'), body))
    return found


def follow(page: Path, folder: Path, environment: dict[str, str]) -> None:
    """Do everything that the page says, in `folder`; a `cd` lasts."""
    where = folder
    for step in steps(page):
        if isinstance(step, File):
            (where / step.name).write_text(step.text, encoding="utf-8")
        elif step.text.startswith("cd "):
            where = where / step.text[3:].strip()
        else:
            _run(step, where, environment)


def links(page: Path) -> list[Path]:
    """Files of this repository that a page refers to."""
    targets = [target for target, _ in _LINK.findall(page.read_text(encoding="utf-8"))]
    return [page.parent / target for target in targets if "://" not in target]


def _commands(body: str) -> list[Command]:
    parts = re.split(r"^\$ ", body, flags=re.M)[1:]
    texts = (part.partition("\n") for part in parts)
    return [Command(command, shown) for command, _, shown in texts]


def _run(command: Command, where: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", command.text],
        cwd=where,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    told = f"$ {command.text}\n{done.stdout}"
    assert done.returncode == 0, told
    same = doctest.OutputChecker().check_output(
        command.shown, done.stdout, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert same or not command.shown.strip(), f"{told}\n--- the page shows\n{command.shown}"
