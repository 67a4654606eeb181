"""Feast's offline store with our join: same rows, same order, null instead of a lost row.

Feast finds the class by the name in its configuration, so `get_historical_features` of anyone
who opens the repository gives the frame that the training step gets. Reading, inferring and
writing tables stay Feast's DuckDB store's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mizzen.adapters.feast.definitions import KNOWN_AT, TIME
from mizzen.adapters.feast.history import microseconds
from mizzen.adapters.feast.join import known_values
from mizzen.adapters.feast.library import feast
from mizzen.adapters.tables import read_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]

_duckdb = feast("feast.infra.offline_stores.duckdb")
_offline = feast("feast.infra.offline_stores.offline_store")


class PointInTimeOfflineStoreConfig(_duckdb.DuckDBOfflineStoreConfig):  # type: ignore[name-defined, misc]
    """Feast pairs it with the store by its name. `histories`: Feast's name of a view -> the
    file to read instead of the one that the registry names now."""

    type: str = "mizzen.adapters.feast.offline.PointInTimeOfflineStore"
    histories: dict[str, str] = {}  # noqa: RUF012 (pydantic copies it)


class PointInTimeOfflineStore(_duckdb.DuckDBOfflineStore):  # type: ignore[name-defined, misc]
    """DuckDB's store with another `get_historical_features`."""

    @staticmethod
    def get_historical_features(
        config: Any,
        feature_views: list[Any],
        feature_refs: list[str],
        entity_df: pd.DataFrame,
        registry: Any,
        project: str,
        full_feature_names: bool = False,
        **_: Any,
    ) -> JoinedRows:
        """`entity_df` with the referenced features; its time column is `event_timestamp`."""
        wanted: dict[str, list[str]] = {}
        for ref in feature_refs:
            view, _sep, feature = ref.partition(":")
            wanted.setdefault(view, []).append(feature)
        result = entity_df.copy(deep=False)
        at = microseconds(entity_df[TIME], TIME)
        for view in feature_views:
            prefix = f"{view.projection.name_to_use()}__" if full_feature_names else ""
            history = config.offline_store.histories.get(view.name, view.batch_source.path)
            joined = _joined(view, history, wanted[view.projection.name_to_use()], entity_df, at)
            for name, values in joined.items():
                result[prefix + name] = values
        return JoinedRows(result, feature_refs, full_feature_names)


def _joined(
    view: Any, file: str, features: list[str], rows: pd.DataFrame, at: NDArray[np.int64]
) -> dict[str, Any]:
    entity = list(view.join_keys)
    history = read_table(Path(file), [*entity, KNOWN_AT, *features])
    fact_keys = [history[column].to_numpy(dtype=object) for column in entity]
    keys = [rows[column].to_numpy(dtype=object) for column in entity]
    facts = {name: history[name].to_numpy() for name in features}
    ttl = int(view.ttl.total_seconds() * 1_000_000)
    return known_values(facts, (fact_keys, history[KNOWN_AT].to_numpy()), (keys, at), ttl)


class JoinedRows(_offline.RetrievalJob):  # type: ignore[name-defined, misc]
    """A finished retrieval, as Feast hands it out."""

    def __init__(self, frame: pd.DataFrame, features: list[str], full_names: bool) -> None:
        self._frame = frame
        self._features = features
        self._full_names = full_names

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._frame

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_pandas(self._frame, preserve_index=False)

    @property
    def full_feature_names(self) -> bool:
        """Whether columns are named `view__feature`."""
        return self._full_names

    @property
    def on_demand_feature_views(self) -> list[Any]:
        """None: features are computed by the project's functions."""
        return []

    @property
    def metadata(self) -> Any:
        """What Feast keeps about a retrieval."""
        return _offline.RetrievalMetadata(features=self._features, keys=[])

    def persist(
        self, storage: Any, allow_overwrite: bool = False, timeout: int | None = None
    ) -> None:
        """Write the frame where a saved data set of Feast lives."""
        self._frame.to_parquet(storage.to_data_source().path, index=False)
