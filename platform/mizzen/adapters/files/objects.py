"""`ObjectStore` over a folder, such as a volume that several pods mount."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mizzen.adapters.files.atomic import replace_durably
from mizzen.errors import NotFound, TemporaryError, UserError
from mizzen.ports.objects import ObjectStore, StoredObject


class FileObjects(ObjectStore):
    """Objects below the folder of a `file://` address; the folder is made when it is missing."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc not in {"", "localhost"} or not parts.path:
            raise UserError("not the address of a folder", given=url, allowed="file:///a/folder")
        self._root = Path(unquote(parts.path))

    def put(self, key: str, data: bytes) -> None:
        """See the port."""
        target = self._path(key)
        try:
            replace_durably(target, data)
        except OSError as error:
            raise self._away(error) from None

    def get(self, key: str) -> bytes:
        """See the port."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise NotFound("no such object", given=f"{self._root}/{key}") from None
        except OSError as error:
            raise self._away(error) from None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        folder = prefix.rpartition("/")[0]
        found = sorted(file.relative_to(self._root).as_posix() for file in self._files(folder))
        for key in found:
            if key.startswith(prefix):
                status = self._path(key).stat()
                yield StoredObject(key, status.st_size, f"{status.st_mtime_ns:x}")

    def delete(self, key: str) -> None:
        """See the port."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise self._away(error) from None

    def _files(self, folder: str) -> Iterator[Path]:
        for path in (self._root / folder).rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                yield path

    def _path(self, key: str) -> Path:
        path = self._root / key
        if ".." in path.parts or not path.is_relative_to(self._root):
            raise UserError("a key that leaves its folder", given=key)
        return path

    def _away(self, error: OSError) -> TemporaryError:
        return TemporaryError(
            f"the folder {self._root} cannot be used",
            given=error,
            next_step="mount it, free space, or fix its permissions; then try again",
        )
