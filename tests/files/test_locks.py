"""Locks between processes: they fall with their holder, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mizzen.adapters.files.locks import is_locked, locked, take, try_hold

HOLDER = """
import sys
from pathlib import Path
from mizzen.adapters.files.locks import locked
with locked(Path(sys.argv[1]), shared=sys.argv[2] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(file: Path, how: str = "alone") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(file), how]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_a_lock_falls_with_the_process_that_held_it(tmp_path: Path) -> None:
    file = tmp_path / "made when missing" / "lock"
    with held_elsewhere(file) as holder:
        assert is_locked(file)
        assert take(file) is None
        holder.kill()
        holder.wait()
        assert not is_locked(file)
        descriptor = take(file)
    assert descriptor is not None
    assert is_locked(file)
    os.close(descriptor)
    assert not is_locked(file)


@pytest.mark.parametrize(("how", "beside"), [("shared", True), ("alone", False)])
def test_readers_share_a_lock_and_a_writer_has_it_alone(
    tmp_path: Path, how: str, beside: bool
) -> None:
    file = tmp_path / "lock"
    with held_elsewhere(file, how), file.open() as opened:
        assert try_hold(opened, shared=True) is beside
        assert not try_hold(opened)


def test_a_file_that_nobody_made_is_locked_by_nobody(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "lock")
    with locked(tmp_path / "lock"):
        assert is_locked(tmp_path / "lock")
    assert not is_locked(tmp_path / "lock")
