"""Which predictions a log holds is known without reading any of it twice."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.segment_log import index, records
from mizzen.adapters.segment_log.frames import frame
from mizzen.adapters.segment_log.index import IdIndex
from mizzen.ports.prediction_log import Prediction

NOW = datetime(2024, 5, 1, tzinfo=UTC)
IDS = [f"id-{n}" for n in range(12)]


def payload(name: str, version: int = 1) -> bytes:
    prediction = Prediction(name, NOW, "tiny", version, {}, {"x": 1.0}, 0.5, NOW)
    return frame(records.of_prediction(prediction))


def file_of(folder: Path, number: int, writer: str = "pod") -> Path:
    return folder / f"{number:020d}-{writer}-1-aa.seg"


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_it_says_what_a_reading_of_everything_says(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("log")
    known, model = IdIndex(folder), dict[Path, dict[str, int]]()
    chance = random.Random(data.draw(st.integers(0, 1_000_000)))
    for step in range(data.draw(st.integers(1, 12))):
        what = chance.choice(["new", "more", "more", "torn", "expire", "ask"])
        if what == "new":
            model[file_of(folder, step, f"pod{step}")] = {}
        if what == "more" and model:
            file, name = chance.choice(list(model)), chance.choice(IDS)
            model[file].setdefault(name, step)
            append(file, payload(name, step))
        if what == "torn" and model:
            append(chance.choice(list(model)), payload("unfinished")[:-3])
        if what == "expire" and model:
            gone = chance.choice(list(model))
            del model[gone]
            gone.unlink(missing_ok=True)
        if what == "ask":
            assert known.versions_of(set(chance.sample(IDS, 3))).keys() <= set(IDS)
    expected: dict[str, int] = {}
    for file in sorted(model):  # the newest segment that holds an id says who answered
        expected |= model[file]
    assert known.versions_of({*IDS, "unfinished"}) == expected
    shutil.rmtree(folder)


def append(file: Path, content: bytes) -> None:
    with file.open("ab") as stream:
        stream.write(content)


def test_no_record_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(records, "to_id_and_version", counting(read))
    known = IdIndex(tmp_path)
    append(file_of(tmp_path, 1), b"".join(map(payload, IDS)))
    for _ in range(50):
        known.versions_of({"id-3", "never answered"})
    assert read == IDS
    append(file_of(tmp_path, 1), payload("id-late", 7))
    assert known.versions_of({"id-late"}) == {"id-late": 7}
    assert read == [*IDS, "id-late"]


def counting(read: list[str]) -> object:
    original = records.to_id_and_version

    def count(content: bytes) -> tuple[str, int]:
        read.append(original(content)[0])
        return original(content)

    return count


def test_packed_ids_are_found_as_loose_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_LOOSE", 7)
    names = [f"prediction {n}" for n in range(100)]
    append(file_of(tmp_path, 1), b"".join(payload(name, n) for n, name in enumerate(names)))
    known = IdIndex(tmp_path)
    wanted = {*names, "another"}
    assert known.versions_of(wanted) == {name: n for n, name in enumerate(names)}
    append(file_of(tmp_path, 1), payload(names[5], 1_000))  # a mirror's copy comes later
    assert known.versions_of({names[5]}) == {names[5]: 5}
