"""A view's entity keys as the online stores hold them, and back."""

from __future__ import annotations

from mizzen.adapters.feast import feast_encoding
from mizzen.adapters.feast.definitions import column_name
from mizzen.adapters.feast.versioned_values import Key
from mizzen.spec.features import FeatureView


def entity_key(view: FeatureView, key: Key) -> bytes:
    """The bytes of a key without a null part."""
    return feast_encoding.entity_key(_names(view), [part or "" for part in key])


def key_of(view: FeatureView, entity: bytes) -> Key:
    """The key of these bytes, its parts in the order of the view's entity columns."""
    parts = feast_encoding.read_entity_key(entity)
    return tuple(parts[name] for name in _names(view))


def _names(view: FeatureView) -> list[str]:
    return [column_name(column) for column in view.entity]
