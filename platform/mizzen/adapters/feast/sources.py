"""Where the views' histories lie: a folder of this machine, and an address that others see too.

A history is named by the hash of its content, so that an address never holds anything else, and
what was brought to a machine once stays right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.adapters import backends
from mizzen.adapters.feast.definitions import INSTANTS, name_of
from mizzen.adapters.feast.history import Columns, digest_of, keep
from mizzen.adapters.files.atomic import replaced_file
from mizzen.adapters.files.folders import remove_below, told_when_full
from mizzen.errors import IntegrityError, NotFound
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    from mizzen.ports.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class History:
    """One view's history: the file on this machine, the address that Feast is told, and the
    instant of its newest value (microseconds), None where it holds none."""

    file: Path
    address: str
    ends: int | None = None

    @property
    def digest(self) -> str:
        """The hash of its content, which both end in."""
        return self.file.stem


class Sources:
    """Histories of one project; `url`: where other machines find them."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self._folder = folder
        self._url = None if url is None else url.rstrip("/")

    def keep(self, view: FeatureView, values: Columns) -> History:
        """Store a view's history, here and where it is shared."""
        file = keep(self._folder, view, values)
        ends = max(values[INSTANTS].tolist(), default=None)
        if self._url is None:
            return History(file, str(file), ends)
        key = f"{name_of(view)}/{file.name}"
        store = self._store()
        if not any(stored.key == key for stored in store.list(key)):
            store.put(key, file.read_bytes())
        return History(file, f"{self._url}/{key}", ends)

    def remove(self, name: str) -> None:
        """Remove all histories of a view (Feast's name), here and where they are shared."""
        if self._url is not None:
            store = self._store()
            for stored in list(store.list(f"{name}/")):
                store.delete(stored.key)
        remove_below(self._folder, name)

    def file_of(self, address: str) -> Path:
        """The file of an address, brought here when it is not.

        Raises:
            NotFound: it is a file of another machine, or it is gone.
            IntegrityError: what lies there is not what was stored.
        """
        if "://" not in address:
            return _local(Path(address))
        _, view, name = address.rsplit("/", 2)
        file = self._folder / view / name
        if file.exists():
            return file
        if self._url is None or not address.startswith(f"{self._url}/"):
            raise NotFound(
                "the history of this view lies elsewhere",
                given=address,
                allowed=self._url or "feature_store.sources is not set in this profile",
            )
        data = self._store().get(f"{view}/{name}")
        with replaced_file(file) as part:
            with told_when_full("the history of a view"):
                part.write_bytes(data)
            if digest_of(part) != file.stem:
                raise IntegrityError("a view's history is damaged", given=address)
        return file

    def _store(self) -> ObjectStore:
        return backends.open_objects(str(self._url))


def _local(file: Path) -> Path:
    if file.exists():
        return file
    raise NotFound(
        "the history of this view lies on another machine",
        given=file,
        next_step="name a place that both see: feature_store.sources in the profile, then"
        " run the training pipeline again",
    )
