"""A name that was read from a file never leads a deletion out of the cache or the run's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mizzen.adapters.cache import StepCache
from mizzen.adapters.files.folders import remove_below
from mizzen.core.plan import Task
from mizzen.core.runs import RunState
from mizzen.errors import IntegrityError, InvalidProject

from .conftest import RunnerHarness, executed

HASH = "0" * 64
ODD_NAMES = [
    "..",
    ".",
    "",
    "../../victim",
    "../../../victim",
    "objects/../../../victim",
    "/{victim}",
    "{victim}",
    "\0",
    "victim\0",
    "\udcff",
    "\uff10" * 64,  # digits, but not ASCII
    "é" * 64,
    "A" * 64,
    HASH + "\n",
    HASH + "/..",
    "a" * 63,
    "a" * 5000,
]
NOT_NAMES = [None, 1, True, [], {}, [HASH], {"a": HASH}]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """What must survive."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "precious").write_text("kept")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> StepCache:
    return StepCache(tmp_path / "home")


def entry(tmp_path: Path, **changed: Any) -> Path:
    """An entry that somebody else wrote."""
    document = {"key": "k", "step": "s:run", "seconds": 1.0, "figures": {}, "artifacts": {}}
    file = tmp_path / "home" / "cache" / "steps" / "k.json"
    file.write_text(json.dumps(document | changed))
    return file


@pytest.mark.parametrize("name", ODD_NAMES + NOT_NAMES)
def test_an_entry_whose_content_hash_is_none_is_a_miss_and_removes_nothing(
    cache: StepCache, tmp_path: Path, victim: Path, name: Any
) -> None:
    odd = name.format(victim=victim) if isinstance(name, str) else name
    entry(tmp_path, artifacts={"table": odd})
    assert cache.find("k") is None
    cache.prune(timedelta(0))
    assert (victim / "precious").read_text() == "kept"


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if len(name) < 60 or "/" in name])
def test_an_entry_whose_output_has_such_a_name_is_a_miss_and_removes_nothing(
    cache: StepCache, tmp_path: Path, victim: Path, name: str
) -> None:
    out = tmp_path / "out"
    out.write_text("1")
    stored = cache.keep("k", "s:run", 1.0, {}, {"table": out}).artifacts["table"]
    entry(tmp_path, artifacts={name.format(victim=victim): stored})
    found = cache.find("k")
    if found is not None:  # a strange name, and one that stays in its folder
        cache.place(found, tmp_path / "home" / "runs" / "r" / "outputs")
    assert (victim / "precious").read_text() == "kept"


@pytest.mark.parametrize(
    "text",
    ["[]", "1", "{}", '{"artifacts": []}', "[" * 100_000, '{"key": 1, "x": 2}', "\0", "\xff"],
)
def test_an_entry_that_is_none_is_a_miss(cache: StepCache, tmp_path: Path, text: str) -> None:
    entry(tmp_path).write_text(text, encoding="latin-1")
    assert cache.find("k") is None


@pytest.mark.parametrize("changed", [{"artifacts": ["a"]}, {"figures": 1}, {"artifacts": None}])
def test_an_entry_of_other_types_is_a_miss(
    cache: StepCache, tmp_path: Path, changed: dict[str, Any]
) -> None:
    entry(tmp_path, **changed)
    assert cache.find("k") is None


def links(tmp_path: Path, victim: Path) -> list[Path]:
    """Links to the victim, wherever the cache looks."""
    root = tmp_path / "home" / "cache"
    stored = root / "objects" / HASH
    stored.mkdir(parents=True)
    places = [
        root / "objects" / ("1" * 64),
        root / "objects" / "stray",
        stored / "content",
        stored / "deeper",
        root / "steps" / "k.json",
        root / "steps" / "folder.json",
    ]
    for place in places:
        place.symlink_to(victim)
    (root / "objects" / "dangling").symlink_to(tmp_path / "nothing")
    return places


def test_pruning_removes_links_and_not_what_they_lead_to(
    cache: StepCache, tmp_path: Path, victim: Path
) -> None:
    places = links(tmp_path, victim)
    assert cache.find("k") is None
    cache.prune(timedelta(0))
    assert not any(os.path.lexists(place) for place in places)
    assert (victim / "precious").read_text() == "kept"


def test_an_output_that_was_exchanged_for_a_link_is_a_miss(
    cache: StepCache, tmp_path: Path, victim: Path
) -> None:
    out = tmp_path / "out"
    out.write_text("1")
    stored = cache.keep("k", "s:run", 1.0, {}, {"table": out}).artifacts["table"]
    objects = tmp_path / "home" / "cache" / "objects"
    (objects / stored).rename(tmp_path / "aside")
    (objects / stored).symlink_to(victim)
    assert cache.find("k") is None
    assert (victim / "precious").read_text() == "kept"


def test_a_folder_of_objects_that_is_a_link_is_refused(
    cache: StepCache, tmp_path: Path, victim: Path
) -> None:
    objects = tmp_path / "home" / "cache" / "objects"
    objects.rmdir()
    objects.symlink_to(victim)
    with pytest.raises(IntegrityError, match="below a link"):
        cache.prune(timedelta(0))
    assert (victim / "precious").read_text() == "kept"


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../victim", "/etc", "a\0", "a" * 300])
def test_only_an_entry_of_the_folder_itself_is_removed(
    tmp_path: Path, victim: Path, name: str
) -> None:
    with pytest.raises(IntegrityError, match="outside of its folder"):
        remove_below(tmp_path / "home", name)


def test_names_in_any_script_are_removed(tmp_path: Path) -> None:
    for name in ("금액", "..a", "-rf", "a b", "\udcff", "x" * 255):
        (tmp_path / name).mkdir()
        remove_below(tmp_path, name)
        remove_below(tmp_path, name)
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["..", "", "a/b", "../../victim", "/victim", "a\0b"])
@pytest.mark.parametrize(
    "make", [lambda n: Task(n, "s:run"), lambda n: Task("a", "s:run", artifacts=(n,))]
)
def test_a_plan_whose_tasks_or_outputs_leave_their_folder_is_refused(
    make: Callable[[str], Task], name: str
) -> None:
    with pytest.raises(InvalidProject, match="no folder may have"):
        make(name)


def test_a_run_whose_cache_entries_were_changed_computes_again(
    harness: RunnerHarness, victim: Path, tmp_path: Path
) -> None:
    harness.write("one", "def run(*, out): out.write_text('1')")
    task = Task("one", "one:run", artifacts=("out",))
    harness.run([task])
    for file in (harness.home / "cache" / "steps").iterdir():
        document = json.loads(file.read_text())
        file.write_text(json.dumps(document | {"artifacts": {"out": str(victim)}}))
    assert harness.run([task], "again").state is RunState.SUCCEEDED
    assert executed(harness.events) == ["one"]
    assert (victim / "precious").read_text() == "kept"
