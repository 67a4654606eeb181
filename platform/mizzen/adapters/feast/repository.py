"""The Feast repository of a place: its folder, its configuration, and who may change it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mizzen.adapters.feast.definitions import entities_of, feast_view, name_of
from mizzen.adapters.feast.library import feast
from mizzen.adapters.feast.sources import History, Sources
from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.files.locks import locked
from mizzen.core.place import Place
from mizzen.errors import NotFound
from mizzen.spec.features import FeatureView


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a declared view without asking Feast, which takes seconds to be opened:
    digest of its present history ("" while it is being removed), instant of the newest value in
    it (microseconds), and when it was declared."""

    history: str
    ends: int | None
    at: datetime


class Repository:
    """`<home>/feast`: `registry.db`, `online.db`, `sources/<view>/<content>.parquet`."""

    def __init__(self, place: Place) -> None:
        self.folder = place.home / "feast"
        # Feast makes table names of it; project names hold no underscore, so this is unique
        self.project = place.project.replace("-", "_")
        self.sources = Sources(self.folder / "sources", place.profile.feature_store.sources)

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

    def prepare(self) -> None:
        """Make what the stores need before they can be opened."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def open(self, histories: Mapping[str, str] | None = None) -> Any:
        """A feature store. Feast reads its registry again with every call, so a run that must
        join what it applied, whatever others apply meanwhile, pins `histories` (Feast's name of
        a view -> file)."""
        self.prepare()
        return feast().FeatureStore(config=self._config(histories or {}))

    @contextmanager
    def changing(self, part: str) -> Iterator[None]:
        """One process at a time changes `definitions`, or `online` values."""
        with locked(self.folder / f".{part}.lock"):
            yield

    def declare(self, histories: Sequence[tuple[FeatureView, History]]) -> Any:
        """Declare views with their histories; does nothing when they are declared already.
        The store that joins these histories."""
        files = {name_of(view): str(history.file) for view, history in histories}
        wanted = {name_of(view): history.address for view, history in histories}
        with self.changing("definitions"):
            store = self.open(files)
            known = {view.name: view.batch_source.path for view in store.list_feature_views()}
            stale = any(known.get(name) != address for name, address in wanted.items())
            if not self.has_tables([view for view, _ in histories]) or stale:
                entities = {e.name: e for view, _ in histories for e in entities_of(view)}
                views = [feast_view(view, history.address) for view, history in histories]
                store.apply([*entities.values(), *views])
                self._settle()
            now = datetime.now(UTC)
            notes = {name_of(v): Note(h.digest, h.ends, now) for v, h in histories}
            self._note(notes)
            return store

    def holds(self, view: str, history: str) -> bool:
        """Whether the history of this digest is the present one of a view (Feast's name)."""
        note = self.present().get(view)
        return note is not None and note.history == history != ""

    def present(self) -> dict[str, Note]:
        """What is noted of each declared view (Feast's name)."""
        with suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads(self._present_file.read_text(encoding="utf-8"))
            return {name: _note_of(document) for name, document in found.items()}
        return {}

    def remove(self, declared: Mapping[str, datetime]) -> None:
        """Forget views (Feast's names): definitions, online values, histories; not those that were
        declared since. What is noted of one goes last, so that a removal that was killed can be
        repeated."""
        with self.changing("definitions"), self.changing("online"):
            known = self.present()
            names = [n for n, at in declared.items() if n in known and known[n].at == at]
            self._note({name: replace(known[name], history="") for name in names})
            store = self.open()
            views = [view for view in store.list_feature_views() if view.name in names]
            if views:
                sources = [view.batch_source for view in views]
                store.apply([], objects_to_delete=[*views, *sources], partial=False)
            for name in names:
                self.sources.remove(name)
            self._forget(names)

    def _note(self, notes: Mapping[str, Note]) -> None:
        self._write_notes(self.present() | dict(notes))

    def _forget(self, names: Sequence[str]) -> None:
        kept = {name: note for name, note in self.present().items() if name not in names}
        self._write_notes(kept)

    def _write_notes(self, notes: Mapping[str, Note]) -> None:
        documents = {n: {**asdict(note), "at": note.at.isoformat()} for n, note in notes.items()}
        replace_text(self._present_file, json.dumps(documents))

    @property
    def _present_file(self) -> Path:
        return self.folder / "present.json"

    def has_tables(self, views: Sequence[FeatureView]) -> bool:
        """Whether the online store can take values of these views."""
        return self.online_file.exists()

    def _settle(self) -> None:
        """Readers and a writer side by side; the mode is kept in the file."""
        import sqlite3

        connection = sqlite3.connect(self.online_file)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()

    def history(self, view: FeatureView) -> Path:
        """The file with the view's history, brought here when it lies elsewhere.

        Raises:
            NotFound: the view was never applied here.
        """
        store = self.open()
        for known in store.list_feature_views():
            if known.name == name_of(view):
                return self.sources.file_of(known.batch_source.path)
        raise NotFound(
            f"the feature store of {self.project!r} has no view {view.name!r} like this one",
            given=name_of(view),
            allowed=", ".join(sorted(v.name for v in store.list_feature_views())) or "none yet",
            next_step="run the training pipeline once, it declares the views; with --no-cache "
            "where the store was emptied since",
        )


def _note_of(document: Any) -> Note:
    if isinstance(document, str):  # of a Mizzen that noted the digest alone: declared again
        return Note("", None, datetime.fromtimestamp(0, UTC))
    return Note(document["history"], document["ends"], datetime.fromisoformat(document["at"]))
