"""The command fails in no terminal, at no name and at no folder: one line, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mizzen.control.scaffold import create

ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "euc-kr": {"PYTHONIOENCODING": "euc-kr"},
    "cp949": {"PYTHONIOENCODING": "cp949"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


def mizzen(folder: Path, *words: str | bytes, **extra: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "mizzen", *words],
        cwd=folder,
        env={**os.environ, **extra},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("environment", ENCODINGS.values(), ids=ENCODINGS)
def test_what_a_terminal_cannot_show_is_replaced(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = create(tmp_path / "shop")
    text = (folder / "mizzen.yaml").read_text()
    (folder / "mizzen.yaml").write_text(text.replace("data/*.csv", "금액 é ✓.csv"))
    done = mizzen(folder, "check", "--json", **environment)
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    findings = json.loads(done.stdout.decode(environment.get("PYTHONIOENCODING", "ascii")))
    assert any("금액 é ✓.csv" in finding["message"] for finding in findings["findings"])
    done = mizzen(folder, "check", **environment)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.parametrize(
    "words",
    [("runs", "show", b"x\xff"), ("run", "--set", b"name=\xff"), ("check", "--profile", b"\xff")],
)
def test_an_argument_that_is_no_text_is_refused_in_one_line(
    tmp_path: Path, words: tuple[str | bytes, ...]
) -> None:
    done = mizzen(create(tmp_path / "shop"), *words)
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: ")
    assert b"is no text\n  given: '" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_project_in_a_folder_that_is_no_text_is_refused_and_odd_files_are_not(
    tmp_path: Path,
) -> None:
    folder = create(tmp_path / "shop")
    Path(os.fsdecode(bytes(folder) + b"/data/\xff.csv")).write_text("x\n")
    Path(os.fsdecode(bytes(folder) + b"/\xff.py")).write_text("x = 1\n")
    assert b"Traceback" not in mizzen(folder, "check").stderr
    odd = Path(os.fsdecode(bytes(tmp_path) + b"/\xffshop"))
    folder.rename(odd)
    done = mizzen(odd, "runs", "list")
    assert (done.returncode, done.stderr[:38]) == (3, b"error: the project's folder has a name")


@pytest.mark.parametrize(
    ("home", "said"),
    [
        ("file", "a file is where a folder must be"),
        ("file/below", "a file is where a folder must be"),
        ("/sys/mizzen", "make it writable, or name another folder in `home` of the profile"),
    ],
)
def test_a_home_that_cannot_be_made_is_told_in_one_line(
    tmp_path: Path, home: str, said: str
) -> None:
    folder = create(tmp_path / "shop")
    (folder / "file").write_text("")
    profile = f"apiVersion: mizzen.dev/v1\nkind: Profile\nhome: {home}\n"
    (folder / "profiles" / "local.yaml").write_text(profile)
    for command in ("run", "runs list"):
        done = mizzen(folder, *command.split())
        assert done.returncode == 3
        message, next_step = done.stderr.decode().splitlines()
        assert message.startswith("error: ")
        assert said in next_step
