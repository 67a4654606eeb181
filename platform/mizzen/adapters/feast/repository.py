"""The Feast repository of a place: its folder, its configuration, and who may change it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from mizzen.adapters.feast.definitions import entities_of, feast_view, name_of
from mizzen.adapters.feast.library import feast
from mizzen.core.place import Place
from mizzen.errors import NotFound
from mizzen.spec.features import FeatureView


class Repository:
    """`<home>/feast`: `registry.db`, `online.db`, `sources/<view>/<content>.parquet`."""

    def __init__(self, place: Place) -> None:
        self.folder = place.home / "feast"
        # Feast makes table names of it; project names hold no underscore, so this is unique
        self.project = place.project.replace("-", "_")

    @property
    def online_file(self) -> Path:
        """The SQLite file of the newest values."""
        return self.folder / "online.db"

    @cached_property
    def config(self) -> Any:
        """Feast's configuration; nothing in it leads to a network."""
        return self._config({})

    def _config(self, histories: Mapping[str, str]) -> Any:
        package = __name__.rpartition(".")[0]
        return feast().RepoConfig(
            project=self.project,
            provider="local",
            repo_path=self.folder,
            registry={
                "path": str(self.folder / "registry.db"),
                "registry_store_type": f"{package}.registry.AtomicRegistryStore",
            },
            online_store={"type": "sqlite", "path": str(self.online_file)},
            offline_store={
                "type": f"{package}.offline.PointInTimeOfflineStore",
                "histories": dict(histories),
            },
            entity_key_serialization_version=3,
        )

    def open(self, histories: Mapping[str, str] | None = None) -> Any:
        """A feature store. Feast reads its registry again with every call, so a run that must
        join what it applied, whatever others apply meanwhile, pins `histories` (Feast's name of
        a view -> file)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return feast().FeatureStore(config=self._config(histories or {}))

    @contextmanager
    def changing(self, part: str) -> Iterator[None]:
        """One process at a time changes `definitions`, or `online` values."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{part}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def declare(self, histories: Sequence[tuple[FeatureView, Path]]) -> Any:
        """Declare views with their histories; does nothing when they are declared already.
        The store that joins these histories."""
        paths = {name_of(view): str(path) for view, path in histories}
        with self.changing("definitions"):
            store = self.open(paths)
            known = {view.name: view.batch_source.path for view in store.list_feature_views()}
            stale = any(known.get(name) != path for name, path in paths.items())
            if stale or not self.online_file.exists():
                entities = {e.name: e for view, _ in histories for e in entities_of(view)}
                views = [feast_view(view, path) for view, path in histories]
                store.apply([*entities.values(), *views])
                self._settle()
            return store

    def _settle(self) -> None:
        """Readers and a writer side by side; the mode is kept in the file."""
        import sqlite3

        connection = sqlite3.connect(self.online_file)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()

    def history(self, view: FeatureView) -> Path:
        """The file with the view's history.

        Raises:
            NotFound: the view was never applied here.
        """
        store = self.open()
        for known in store.list_feature_views():
            if known.name == name_of(view):
                return Path(known.batch_source.path)
        raise NotFound(
            f"the feature store of {self.project!r} has no view {view.name!r} like this one",
            given=name_of(view),
            allowed=", ".join(sorted(v.name for v in store.list_feature_views())) or "none yet",
            next_step="run the training pipeline once; it declares the views",
        )
