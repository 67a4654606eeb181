"""What a request may hold, from the project's description. `decoding` reads by it, `openapi`
shows it, `predictions` takes the columns apart by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from mizzen.core.encoding import Encoder
from mizzen.core.views import VersionedView, views_of
from mizzen.errors import InvalidProject
from mizzen.spec.columns import FeatureColumn
from mizzen.spec.project import ProjectSpec
from mizzen_serving.field_names import readable

Role = Literal[
    "id", "time", "key", "key of text", "key of numbers", "key of booleans", "number",
    "category", "category of numbers", "category of booleans", "category of several types",
    "key of declared numbers", "category of declared numbers",
    "key of declared instants", "category of declared instants",
]  # fmt: skip
PREDICTION_ID = "prediction_id"
ROWS = "rows"
# a version 7 id is made by the service and unique; one that is given may be repeated
_GivenId = Annotated[
    str,
    msgspec.Meta(
        max_length=36,  # a pattern's $ also matches before a line break
        pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[1-68][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        description="a UUID of version 5, made from the row's key: sending the row again is "
        "then the same prediction",
    ),
]
_Instant = Annotated[
    datetime, msgspec.Meta(tz=True, description="an instant with its zone, as RFC 3339 tells")
]
INSTANT_YEARS = (1678, 2261)  # whole years that tables hold with nanoseconds
# what the log and every table hold; a longer number is an id, and travels as text
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Text = Annotated[str, msgspec.Meta(pattern="^[^\x00]*$")]  # no database takes NUL
TYPES: dict[Role, Any] = {
    "id": _GivenId | None,
    "time": _Instant | None,
    "key": _Text | _Whole | float | bool | None,
    "key of text": _Text | None,
    "key of numbers": _Text | _Whole | float | None,
    "key of booleans": _Text | bool | None,
    "key of declared numbers": _Text | _Whole | float | None,
    "number": float | bool | None,
    "category": str | None,
    "category of numbers": str | _Whole | float | None,
    "category of booleans": str | bool | None,
    "category of declared numbers": str | _Whole | float | None,
    "key of declared instants": _Instant | None,
    "category of declared instants": _Instant | None,
    "category of several types": str | _Whole | float | bool | None,
}
INSTANTS: frozenset[Role] = frozenset(
    {"time", "key of declared instants", "category of declared instants"}
)
# whose values, unless null, are text in JSON; others but numbers may be
TEXTS: frozenset[Role] = frozenset(
    {
        "id", "time", "key of text", "category",
        "key of declared instants", "category of declared instants",
    }
)  # fmt: skip
# what training read a category from -> what a request may send for it; text is always right
_CATEGORIES: dict[str, Role] = {
    "number": "category of numbers",
    "boolean": "category of booleans",
    "mixed": "category of several types",
    "declared number": "category of declared numbers",
    "declared instant": "category of declared instants",
}
# the same for keys and entities; where training did not record it, or read several, all are taken
_KEYS: dict[str, Role] = {
    "text": "key of text",
    "other": "key of text",
    "number": "key of numbers",
    "boolean": "key of booleans",
    "declared number": "key of declared numbers",
    "declared instant": "key of declared instants",
}
_INSTANT = "an instant with zone, such as 2013-07-01T12:00:00Z"
_DECLARED = "a number, or its digits as text (2116, not 02116 or 2116.0), or null"
_NUMBERS = "a whole number of 64 bits (a longer one as text), another number"
ALLOWED: dict[Role, str] = {
    "id": "a UUID of version 1 to 6 or 8, in lower case, or no such field",
    "time": f"{_INSTANT}, in the years 1678 to 2261, or no such field: now",
    "key": f"text, {_NUMBERS}, true, false or null",
    "key of text": "text, as it stands in the training data, or null",
    "key of numbers": f"text, {_NUMBERS} or null",
    "key of booleans": "text, true, false or null",
    "number": "a number below 1.8e308, true, false or null",
    "category": "text, as it stands in the training data, or null",
    "category of numbers": "text, a number or null",
    "category of booleans": "text, true, false or null",
    "category of several types": "text, a number, true, false or null",
    "key of declared numbers": _DECLARED,
    "category of declared numbers": _DECLARED,
    "key of declared instants": f"{_INSTANT}, or null",
    "category of declared instants": f"{_INSTANT}, or null",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a row; `required` false makes an absent one null."""

    name: str
    role: Role
    required: bool


@dataclass(frozen=True, slots=True)
class Contract:
    """The fields of a row in the order of its decoded tuple: the row's feature columns first,
    then id and time, then keys and entities that are no features."""

    fields: tuple[Field, ...]
    features: int
    keys: tuple[tuple[str, int], ...]
    entities: tuple[tuple[str, int], ...]
    time: int | None
    id: int
    views: tuple[VersionedView, ...]
    max_batch: int

    @property
    def typed_names(self) -> tuple[tuple[int, str], ...]:
        """Place and name of each field whose value is known by a text, and may come as another
        type: categories, and instants, which requests write in any zone."""
        typed = {*_CATEGORIES.values(), _KEYS["declared instant"]}
        return tuple((n, field.name) for n, field in enumerate(self.fields) if field.role in typed)

    @property
    def declared_numbers(self) -> tuple[tuple[int, str], ...]:
        """Place and name of each category, key or entity that the description calls a number."""
        found = {_CATEGORIES["declared number"], _KEYS["declared number"]}
        return tuple((n, field.name) for n, field in enumerate(self.fields) if field.role in found)

    @property
    def has_escaped_names(self) -> bool:
        """Whether JSON writes the name of some field with escapes."""
        return any(readable(field.name) != field.name for field in self.fields)

    @property
    def max_bytes(self) -> int:
        """Of a request's body: generous for `max_batch` rows of long values."""
        return 65_536 + self.max_batch * (256 + 96 * len(self.fields))

    def row_type(self) -> type[msgspec.Struct]:
        """The type that a row is decoded into; unknown fields are refused. Its names are
        `readable`."""
        columns: list[Any] = []
        for number, field in enumerate(self.fields):
            kind = TYPES[field.role]
            columns.append((f"c{number}", kind) if field.required else (f"c{number}", kind, None))
        rename = {f"c{number}": readable(field.name) for number, field in enumerate(self.fields)}
        return msgspec.defstruct(
            "Row", columns, rename=rename, kw_only=True, forbid_unknown_fields=True, gc=False
        )


def contract_of(
    project: ProjectSpec,
    versions: Mapping[str, Mapping[str, Any]] | None = None,
    encoder: Encoder | None = None,
) -> Contract:
    """The contract of a project.

    Args:
        versions: of the views, as the model's manifest records them; without them the contract
            says what a request holds, and names no view.
        encoder: the model's; it knows which categories and keys were no text in training.

    Raises:
        IntegrityError: the manifest does not say which version of a view it needs.
        InvalidProject: a column has a name that the service needs itself.
    """
    views = project.features.used_views
    sources = {c.name: c.source for c in encoder.categories} if encoder else {}
    features = [Field(c.name, _role(c, sources), c.required) for c in project.features.columns]
    fields = [*features, Field(PREDICTION_ID, "id", False)]
    given = {field.name for field in features}
    if project.data.event_time is not None:
        fields.append(Field(project.data.event_time, "time", False))
        given.add(project.data.event_time)
    entities = tuple(dict.fromkeys(name for view in views for name in view.entity))
    read = dict(encoder.keys) if encoder else {}
    fields += [Field(name, _key(name, read), True) for name in entities if name not in given]
    given |= set(entities)
    fields += [Field(n, _key(n, read), False) for n in project.data.key if n not in given]
    _check_names(fields)
    place = {field.name: number for number, field in enumerate(fields)}
    return Contract(
        fields=tuple(fields),
        features=len(features),
        keys=tuple((name, place[name]) for name in project.data.key),
        entities=tuple((name, place[name]) for name in entities),
        time=None if project.data.event_time is None else place[project.data.event_time],
        id=place[PREDICTION_ID],
        views=() if versions is None else views_of(project, versions),
        max_batch=project.serving.max_batch,
    )


def _role(column: FeatureColumn, sources: Mapping[str, str]) -> Role:
    if column.kind == "number":
        return "number"
    return _CATEGORIES.get(sources.get(column.name, "text"), "category")


def _key(name: str, sources: Mapping[str, str]) -> Role:
    return _KEYS.get(sources.get(name, ""), "key")


def _check_names(fields: Sequence[Field]) -> None:
    names = [field.name for field in fields]
    taken = [name for name in names if name == ROWS or names.count(name) > 1]
    if taken:
        raise InvalidProject(
            f"the column {taken[0]!r} cannot be sent to the service",
            given=taken[0],
            next_step=f"give the column another name: data.columns; {PREDICTION_ID!r} and "
            f"{ROWS!r} mean something in a request, and the event time cannot be a feature",
        )
