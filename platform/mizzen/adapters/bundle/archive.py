"""Packing and opening bundles. Equal files give equal bytes: no times, owners or modes."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from mizzen.adapters.bundle.environment import FILE as ENVIRONMENT
from mizzen.adapters.bundle.members import is_plain, read_members, write_members
from mizzen.adapters.files.atomic import replace_durably
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, InvalidData, InvalidProject, NotFound

_SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def pack(project_folder: Path, store: Path, environment: bytes = b"") -> str:
    """Store the project's Python files as `<store>/<digest>.tar`; returns the digest.

    Args:
        environment: the variables that the code declares, see `environment.declared`.

    Raises:
        InvalidProject: no Python file that may be read, or a link that leads out of the folder.
    """
    return _keep(_tar(project_folder, environment), store)


def keep(archive: Path, store: Path) -> str:
    """Store an archive that travelled by itself (a package's `bundle.tar`); returns its digest."""
    return _keep(archive.read_bytes(), store)


def _keep(content: bytes, store: Path) -> str:
    digest = hashlib.sha256(content).hexdigest()
    target = store / f"{digest}.tar"
    if not target.exists():
        store.mkdir(parents=True, exist_ok=True)
        replace_durably(target, content, mode=0o600)
    return digest


def digest_of(folder: Path) -> str:
    """The digest of the bundle that a folder was unpacked from, if nothing was changed."""
    file = folder / ENVIRONMENT
    environment = file.read_bytes() if file.is_file() else b""
    return hashlib.sha256(_tar(folder, environment)).hexdigest()


def store_of(place: Place) -> Path:
    """The folder in which a place keeps its bundles."""
    return place.home / "bundles"


def open_code(place: Place, digest: str) -> Path:
    """The folder of a bundle in this place, unpacked once; what steps call with `code`."""
    return unpack(digest, store_of(place), place.home / "code")


def unpack(digest: str, store: Path, into: Path) -> Path:
    """The folder `<into>/<digest>` with the bundle's files; several processes may ask at once.

    Raises:
        NotFound: the store has no such bundle.
        IntegrityError: the archive does not hash to its name, or holds what none may hold.
    """
    archive = store / f"{digest}.tar"
    try:
        content = archive.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            f"no code bundle {digest[:12]} in {store}", next_step="submit the run again"
        ) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise IntegrityError(
            f"{archive} does not hash to its name", next_step="remove it and submit the run again"
        )
    return _opened(content, digest, into)


def unpack_file(archive: Path, into: Path) -> Path:
    """Like `unpack`, for an archive that travelled by itself (a package's `bundle.tar`)."""
    content = archive.read_bytes()
    return _opened(content, hashlib.sha256(content).hexdigest(), into)


def _opened(content: bytes, digest: str, into: Path) -> Path:
    target = into / digest
    if target.is_dir() and digest_of(target) == digest:
        return target
    into.mkdir(parents=True, exist_ok=True)
    fresh = into / f".{digest[:12]}.{uuid.uuid4().hex}"
    try:
        _extract(content, fresh)
        _replace(fresh, target, digest)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _replace(fresh: Path, target: Path, digest: str) -> None:
    # A folder cannot be renamed over a filled one. Whoever comes second uses the first's,
    # unless that one was changed: then it is moved away.
    for _ in range(3):
        try:
            fresh.rename(target)
        except OSError:
            if digest_of(target) == digest:
                return
            changed = target.with_name(f".{uuid.uuid4().hex}")
            target.rename(changed)
            shutil.rmtree(changed, ignore_errors=True)
        else:
            return


def check_members(content: bytes) -> None:
    """See that an archive from elsewhere holds only what a bundle may hold.

    Raises:
        InvalidData: no archive, or not one that `pack` makes; see `read_members`.
    """
    try:
        read_members(content)
    except IntegrityError as error:
        raise InvalidData(error.message, given=error.given, allowed=error.allowed) from None


def _extract(content: bytes, into: Path) -> None:
    into.mkdir()
    for name, inside in read_members(content).items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(inside)


def _tar(folder: Path, environment: bytes) -> bytes:
    members = {name: path.read_bytes() for name, path in _files(folder)}
    return write_members(members | ({ENVIRONMENT: environment} if environment else {}))


def _files(folder: Path) -> list[tuple[str, Path]]:
    if not folder.is_dir():
        raise InvalidProject(f"no folder {folder}")
    root = folder.resolve()
    found = []
    for path in _walk(folder):
        if not path.resolve().is_relative_to(root):
            raise InvalidProject(
                f"{path} leads out of the project",
                given=path.resolve(),
                next_step="copy the file into the project",
            )
        name = path.relative_to(folder).as_posix()
        if not is_plain(name):
            raise InvalidProject(
                "a file of the project has a name that cannot travel",
                given=ascii(name),
                allowed="UTF-8 without control characters",
                next_step="rename the file",
            )
        found.append((name, path))
    return sorted(found)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        folders[:] = [name for name in folders if _is_code(here / name)]
        yield from (here / name for name in files if name.endswith(".py") and name[0] != ".")


def _is_code(folder: Path) -> bool:
    hidden = folder.name.startswith(".") or folder.name in _SKIPPED
    return not hidden and not (folder / "pyvenv.cfg").exists()
