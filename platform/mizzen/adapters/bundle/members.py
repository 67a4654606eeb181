"""The bytes of a bundle: a tar archive that holds plain files and nothing else.

`tarfile` writes it and does not read it: it obeys headers from elsewhere, and a negative size in
one sends it round for ever. The reader here takes one kind of member, always moves forward, and
believes an archive only when packing its files anew gives the same bytes. So whatever else a tar
can say (owners, links, sparse files, sizes written twice) is refused without being understood.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from mizzen.errors import IntegrityError

_BLOCK = 512
_SIZE = re.compile(rb"[0-7]{11}\0")
_LONG_NAME = re.compile(rb"[0-9]+ path=([^\n]*)\n")
_ALLOWED = "regular files below the bundle's folder, as `mizzen` packs them"


def write_members(files: Mapping[str, bytes]) -> bytes:
    """An archive of files by name. Equal files give equal bytes: no times, owners or modes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def read_members(content: bytes) -> dict[str, bytes]:
    """The files of an archive by name.

    Raises:
        IntegrityError: it is not exactly what `write_members` makes of its files, or a name
            leads out of the folder, or one file is a folder of another.
    """
    files: dict[str, bytes] = {}
    for name, inside in _members(content):
        if not is_plain(name):
            raise _refused(repr(name))
        if name in files:
            raise _refused(f"{name} twice")
        files[name] = inside
    _check_folders(files)
    if write_members(files) != content:
        raise _refused("headers that packing these files does not give")
    return files


def is_plain(name: str) -> bool:
    """Whether a bundle may hold a file of this name: a path below its folder, written one way,
    with characters that every terminal and file system takes."""
    # PurePosixPath drops `.`, `//` and a `/` at the end: what changes there has another spelling
    path = PurePosixPath(name)
    below = path.parts and not path.is_absolute() and ".." not in path.parts
    return bool(below) and str(path) == name and name.isprintable()


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    long_name: bytes | None = None
    for header, inside in _blocks(content):
        kind, short_name = header[156:157], header[:100].rstrip(b"\0")
        if kind == b"x" and long_name is None and (found := _LONG_NAME.fullmatch(inside)):
            long_name = found[1]
        elif kind == tarfile.REGTYPE:
            yield _text(short_name if long_name is None else long_name), inside
            long_name = None
        else:
            raise _refused(f"{_text(short_name)}: a member of type {kind!r}")


def _blocks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Header and content of each member; every step moves at least one block forward."""
    at = 0
    while content[at : at + _BLOCK].strip(b"\0"):
        header = content[at : at + _BLOCK]
        if not _SIZE.fullmatch(header[124:136]):
            raise _refused("no tar header where one must be")
        begin, size = at + _BLOCK, int(header[124:135], 8)
        if begin + size > len(content):
            raise _refused(f"{_text(header[:100].rstrip(bytes(1)))}: {size} bytes, cut off")
        yield header, content[begin : begin + size]
        at = begin + -(-size // _BLOCK) * _BLOCK


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise _refused(f"{name!r}: a name that is not UTF-8") from None


def _check_folders(names: Iterable[str]) -> None:
    files = set(names)
    for name in files:
        used = next((str(p) for p in PurePosixPath(name).parents if str(p) in files), None)
        if used is not None:
            raise _refused(f"{used}, which is a file and the folder of {name}")


def _refused(given: str) -> IntegrityError:
    return IntegrityError("a bundle holds a forbidden member", given=given, allowed=_ALLOWED)
