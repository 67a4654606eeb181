"""A project's views as Feast knows them. Pure; the names carry the version.

A changed view is another Feast view with its own tables, so a model that is still served keeps
the features that it was trained with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from mizzen.adapters.feast.library import feast
from mizzen.spec.duration import to_timedelta
from mizzen.spec.features import FeatureView

TIME = "event_timestamp"
# Feast keeps event times online in whole seconds, converted through the machine's local clock.
# The exact instant (microseconds since 1970, UTC) therefore travels as a feature of its own.
KNOWN_AT = "mizzen_known_at"


def version_of(views: Sequence[FeatureView]) -> str:
    """A hash over the declarations: names, entities, columns, kinds, ttl and source."""
    document = [view.model_dump(mode="json") for view in views]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache(maxsize=256)  # asked for with every online read
def name_of(view: FeatureView) -> str:
    """The view's name in Feast."""
    return f"{view.name}_{version_of([view])}"


def entities_of(view: FeatureView) -> list[Any]:
    """Feast's entities; keys are text in Feast, see `keys`."""
    library = feast()
    text = library.ValueType.STRING
    return [library.Entity(name=c, join_keys=[c], value_type=text) for c in view.entity]


def feast_view(view: FeatureView, history: str | Path) -> Any:
    """Feast's feature view, with its history in a Parquet file or object."""
    library, types = feast(), feast("feast.types")
    kinds = {"number": types.Float64, "category": types.String}
    fields = [library.Field(name=column, dtype=types.String) for column in view.entity]
    fields += [library.Field(name=c.name, dtype=kinds[c.kind]) for c in view.columns]
    fields.append(library.Field(name=KNOWN_AT, dtype=types.Int64))
    return library.FeatureView(
        name=name_of(view),
        entities=entities_of(view),
        ttl=to_timedelta(view.ttl),
        schema=fields,
        source=library.FileSource(path=str(history), timestamp_field=TIME),
    )
