"""The seam to storage of whole objects by key: S3, or a folder that several machines see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`tag` changes with the content; of S3 it is the ETag, for a plain upload the MD5 in
    hexadecimal."""

    key: str
    size: int
    tag: str


class ObjectStore(Protocol):
    """Objects below one address. Keys are relative to it, with `/` between their parts.

    Every method raises:
        TemporaryError: the store does not answer, or is busy.
        NotFound: its bucket does not exist, or no object has this key.
        UserError: it refuses the credentials, or there are none.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store an object whole, in place of an older one. It survives the store's restart."""

    def get(self, key: str) -> bytes:
        """An object's content."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin so, in order of their keys."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
