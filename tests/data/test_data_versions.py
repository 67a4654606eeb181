"""Versions of the data: immutable, content-addressed, fetched back bit-equal."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mizzen.adapters.backends import load_backend
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, InvalidData, NotFound
from mizzen.ports.data import DataVersions
from mizzen.spec.profile import Profile

UNKNOWN = "0" * 32


@pytest.fixture
def versions(place: Place) -> DataVersions:
    backend: DataVersions = load_backend("data_versions", "dvc")(place)
    return backend


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "some tables"
    (folder / "more").mkdir(parents=True)
    (folder / "trips.parquet").write_bytes(os.urandom(3_000_000))
    (folder / "more" / "weather.parquet").write_bytes(b"rain")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def objects(place: Place) -> list[Path]:
    store = place.home / "data-versions" / "store"
    return sorted(file for file in store.rglob("*") if file.is_file())


def tamper(file: Path) -> None:
    file.write_bytes(b"changed" + file.read_bytes()[7:])


def test_a_version_is_fetched_back_bit_equal(
    versions: DataVersions, tables: Path, tmp_path: Path
) -> None:
    version = versions.snapshot(tables)
    assert content(versions.fetch(version, tmp_path / "back")) == content(tables)


def test_equal_content_has_one_version_and_is_stored_once(
    versions: DataVersions, tables: Path, place: Place, tmp_path: Path
) -> None:
    version = versions.snapshot(tables)
    stored = objects(place)
    renamed = tables.rename(tmp_path / "elsewhere")
    assert versions.snapshot(renamed) == version
    assert objects(place) == stored


def test_a_changed_byte_or_name_is_another_version(versions: DataVersions, tables: Path) -> None:
    first = versions.snapshot(tables)
    (tables / "more" / "weather.parquet").write_bytes(b"Rain")
    second = versions.snapshot(tables)
    (tables / "more" / "weather.parquet").rename(tables / "more" / "climate.parquet")
    assert len({first, second, versions.snapshot(tables)}) == 3


def test_old_versions_stay_when_new_ones_come(
    versions: DataVersions, tables: Path, tmp_path: Path
) -> None:
    before, version = content(tables), versions.snapshot(tables)
    (tables / "trips.parquet").write_bytes(b"newer")
    versions.snapshot(tables)
    assert content(versions.fetch(version, tmp_path / "back")) == before


def test_every_damaged_object_is_found(
    versions: DataVersions, tables: Path, place: Place, tmp_path: Path
) -> None:
    version = versions.snapshot(tables)
    for number, file in enumerate(objects(place)):
        right = file.read_bytes()
        tamper(file)
        with pytest.raises(IntegrityError, match=r"damaged[^§]*given: [^§]*next: run the snapshot"):
            versions.fetch(version, tmp_path / f"back{number}")
        assert not list((tmp_path / f"back{number}").iterdir())
        file.write_bytes(right)


def test_a_lost_object_is_found(
    versions: DataVersions, tables: Path, place: Place, tmp_path: Path
) -> None:
    version = versions.snapshot(tables)
    next(file for file in objects(place) if file.suffix != ".dir").unlink()
    with pytest.raises(IntegrityError, match="is missing"):
        versions.fetch(version, tmp_path / "back")


def test_storing_the_same_data_again_mends_the_store(
    versions: DataVersions, tables: Path, place: Place, tmp_path: Path
) -> None:
    version = versions.snapshot(tables)
    for file in objects(place):
        tamper(file)
    assert versions.snapshot(tables) == version
    assert content(versions.fetch(version, tmp_path / "back")) == content(tables)


def test_a_fetched_folder_that_was_changed_is_set_aside_and_fetched_again(
    versions: DataVersions, tables: Path, tmp_path: Path
) -> None:
    version = versions.snapshot(tables)
    folder = versions.fetch(version, tmp_path / "back")
    (folder / "trips.parquet").write_bytes(b"mine")
    assert content(versions.fetch(version, tmp_path / "back")) == content(tables)
    kept = [path for path in (tmp_path / "back").iterdir() if ".changed-" in path.name]
    assert (kept[0] / "trips.parquet").read_bytes() == b"mine"


def test_an_unknown_version_is_an_error_with_the_next_step(
    versions: DataVersions, tables: Path, tmp_path: Path
) -> None:
    versions.snapshot(tables)
    with pytest.raises(NotFound, match=r"no data version 0{32}[^§]*next: "):
        versions.fetch(UNKNOWN, tmp_path / "back")


@pytest.mark.parametrize("version", ["", "../../etc", "HEAD", UNKNOWN + "/.."])
def test_a_version_never_names_a_path(versions: DataVersions, version: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="allowed: 32 hexadecimal digits"):
        versions.fetch(version, tmp_path)
    with pytest.raises(NotFound):
        versions.annotate(version, "validation", {})


def test_an_empty_folder_is_no_version(versions: DataVersions, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidData, match="holds no file"):
        versions.snapshot(tmp_path / "empty")


def test_documents_are_attached_to_a_version(versions: DataVersions, tables: Path) -> None:
    version = versions.snapshot(tables)
    assert versions.annotations(version) == {}
    versions.annotate(version, "validation", {"checks": 3, "failed": []})
    versions.annotate(version, "baseline", {"columns": 2})
    versions.annotate(version, "baseline", {"columns": 4})
    assert versions.annotations(version) == {
        "baseline": {"columns": 4},
        "validation": {"checks": 3, "failed": []},
    }
    with pytest.raises(InvalidData, match="not a name"):
        versions.annotate(version, "../x", {})


def test_two_homes_share_a_store_by_its_address(tables: Path, tmp_path: Path) -> None:
    shared = Profile.model_validate(
        {
            "apiVersion": "mizzen.dev/v1",
            "kind": "Profile",
            "data_store": {"url": str(tmp_path / "shared store")},
        }
    )
    backend = load_backend("data_versions", "dvc")
    version = backend(Place("a", tmp_path / "a", shared)).snapshot(tables)
    other = backend(Place("b", tmp_path / "b", shared))
    assert content(other.fetch(version, tmp_path / "back")) == content(tables)


def snapshot_elsewhere(place: Place, folder: Path, before: str = "") -> subprocess.Popen[str]:
    """A process of its own that stores the folder and prints the version."""
    code = f"""
        import os, resource, sys
        from pathlib import Path
        from mizzen.adapters.backends import load_backend
        from mizzen.core.place import Place
        versions = load_backend("data_versions", "dvc")(Place.from_environment(os.environ))
        {before}
        print(versions.snapshot(Path(sys.argv[1])))
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(folder)],
        env={**os.environ, **place.to_environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_store_at_once(
    place: Place, tables: Path, versions: DataVersions, tmp_path: Path
) -> None:
    workers = [snapshot_elsewhere(place, tables) for _ in range(2)]
    first, second = (worker.communicate(timeout=60)[0].strip() for worker in workers)
    assert first == second
    assert content(versions.fetch(first, tmp_path / "back")) == content(tables)


def test_a_full_disk_is_told_and_leaves_no_half_version(
    place: Place, tables: Path, versions: DataVersions, tmp_path: Path
) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))"
    _, told = snapshot_elsewhere(place, tables, before=limit).communicate(timeout=60)
    assert "TemporaryError: the data could not be stored" in told
    assert "next: free space" in told
    assert not [file for file in objects(place) if file.suffix in {".dir", ".tmp"}]
    version = versions.snapshot(tables)
    assert content(versions.fetch(version, tmp_path / "back")) == content(tables)


def test_dvc_itself_reads_the_store(versions: DataVersions, tables: Path, place: Place) -> None:
    version = versions.snapshot(tables)
    repository = place.home / "data-versions"
    subprocess.run(
        [sys.executable, "-m", "dvc", "pull", "-q", f"versions/{version}.dvc"],
        cwd=repository,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        check=True,
    )
    assert content(repository / "versions" / version) == content(tables)


def test_usage_reporting_is_off(versions: DataVersions, tables: Path, place: Place) -> None:
    versions.snapshot(tables)
    config = (place.home / "data-versions" / ".dvc" / "config").read_text()
    assert "analytics = False" in config
    assert os.environ["DVC_NO_ANALYTICS"] == "1"
