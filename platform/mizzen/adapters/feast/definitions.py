"""A project's views as Feast knows them. Pure; the names carry the version.

A changed view is another Feast view with its own tables, so a model that is still served keeps
the features that it was trained with.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from mizzen.adapters.feast.library import feast
from mizzen.core.views import VersionedView, version_of
from mizzen.spec.duration import to_timedelta
from mizzen.spec.features import TIME, FeatureView

# Feast keeps event times online in whole seconds, converted through the machine's local clock.
# The exact instant (microseconds since 1970, UTC) therefore travels as a feature of its own.
KNOWN_AT = "mizzen_known_at"
# Where it stands among the columns of a view in stored form; no column has an empty name.
INSTANTS = ""
_PLAIN = re.compile(r"(?!mizzen_)[A-Za-z][A-Za-z0-9_]{0,59}")

__all__ = [
    "INSTANTS",
    "KNOWN_AT",
    "TIME",
    "column_name",
    "entities_of",
    "feast_view",
    "name_of",
    "table_of",
]


@lru_cache(maxsize=256)  # asked for with every online read
def name_of(view: FeatureView) -> str:
    """The view's name in Feast."""
    version = view.version if isinstance(view, VersionedView) else version_of([view])
    return f"{view.name}_{version}"


def table_of(project: str, view: FeatureView) -> str:
    """The name that Feast gives the view's table in an online store."""
    return f"{project}_{name_of(view)}"


@lru_cache(maxsize=4096)
def column_name(column: str) -> str:
    """A column's name in Feast: its own, or a hash of one that Feast, or we, use otherwise."""
    if _PLAIN.fullmatch(column) and "__" not in column and column != TIME:
        return column
    return f"mizzen_c_{hashlib.sha256(column.encode()).hexdigest()[:20]}"


def entities_of(view: FeatureView) -> list[Any]:
    """Feast's entities; keys are text in Feast, see `mizzen.core.canonical`."""
    library = feast()
    text = library.ValueType.STRING
    names = map(column_name, view.entity)
    return [library.Entity(name=c, join_keys=[c], value_type=text) for c in names]


def feast_view(view: FeatureView, history: str | Path) -> Any:
    """Feast's feature view, with its history in a Parquet file or object."""
    library, types = feast(), feast("feast.types")
    kinds = {"number": types.Float64, "category": types.String}
    fields = [library.Field(name=column_name(c), dtype=types.String) for c in view.entity]
    fields += [library.Field(name=column_name(c.name), dtype=kinds[c.kind]) for c in view.columns]
    fields.append(library.Field(name=KNOWN_AT, dtype=types.Int64))
    return library.FeatureView(
        name=name_of(view),
        entities=entities_of(view),
        ttl=to_timedelta(view.ttl),
        schema=fields,
        source=library.FileSource(path=str(history), timestamp_field=TIME),
    )
