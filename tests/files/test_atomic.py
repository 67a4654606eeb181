"""What is written is whole, and a failure leaves nothing beside it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mizzen.adapters.files import atomic
from mizzen.adapters.files.atomic import (
    replace_durably,
    replace_text,
    replaced_file,
    replaced_folder,
)

Replaced = Callable[[Path], AbstractContextManager[Path]]


def fill(kind: Replaced, path: Path, text: str) -> None:
    if kind is replaced_folder:
        path.mkdir()
        path = path / "inside"
    path.write_text(text)


def content(path: Path) -> str:
    return (path / "inside" if path.is_dir() else path).read_text()


@pytest.fixture(params=[replaced_file, replaced_folder])
def kind(request: pytest.FixtureRequest) -> Iterator[Replaced]:
    yield request.param


def test_the_old_content_stands_until_the_new_one_is_whole(kind: Replaced, tmp_path: Path) -> None:
    target = tmp_path / "made when missing" / "it"
    with kind(target) as fresh:
        fill(kind, fresh, "old")
        assert not target.exists()
    with kind(target) as fresh:
        fill(kind, fresh, "new")
        assert content(target) == "old"
    assert content(target) == "new"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_keeps_the_old_content_and_leaves_nothing_else(
    kind: Replaced, tmp_path: Path
) -> None:
    target = tmp_path / "it"
    fill(kind, target, "old")
    with pytest.raises(OSError, match="disk is full"), kind(target) as fresh:
        fill(kind, fresh, "half")
        raise OSError("the disk is full")
    assert content(target) == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_text_is_written_as_utf8_whatever_the_locale(tmp_path: Path) -> None:
    replace_text(tmp_path / "it", "größe")
    assert (tmp_path / "it").read_bytes() == "größe".encode()


def test_bytes_are_on_the_disk_before_they_have_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(atomic.os, "fsync", lambda _: synced.append((tmp_path / "it").exists()))
    replace_durably(tmp_path / "it", b"secret", mode=0o600)
    assert synced == [False]
    assert (tmp_path / "it").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "it").stat().st_mode) == 0o600
