"""The base of every section of values, and the walk over its fields that the writers share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo


class Values(BaseModel):
    """A closed section. A field's `description` becomes the comment in values.yaml and the row in
    the README; `examples` stand beside it. Fields are written `like_this` here and `likeThis` by
    users, as Helm's are."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """One field where it stands: `section` is its class if it is a section of its own."""

    path: tuple[str, ...]
    info: FieldInfo
    default: Any  # None too when a value is required
    section: type[Values] | None

    @property
    def required(self) -> bool:
        """Whether there is no default, neither its own nor one of a section around it."""
        return self.default is None and self.section is None and self.info.is_required()

    @property
    def dotted(self) -> str:
        """As `--set` names it."""
        return ".".join(self.path)


def fields_of(
    model: type[Values], given: Values | None = None, above: tuple[str, ...] = ()
) -> Iterator[Entry]:
    """The fields of one section, in order; `given` holds defaults other than the model's own."""
    for name, info in model.model_fields.items():
        default = getattr(given, name) if given is not None else _default(info)
        section = _section(info.annotation)
        yield Entry((*above, to_camel(name)), info, default, section)


def all_fields(
    model: type[Values], given: Values | None = None, above: tuple[str, ...] = ()
) -> Iterator[Entry]:
    """Every field below, each section before what it holds."""
    for field in fields_of(model, given, above):
        yield field
        if field.section is not None:
            yield from all_fields(field.section, field.default, field.path)


def _default(info: FieldInfo) -> Any:
    return None if info.is_required() else info.get_default(call_default_factory=True)


def _section(annotation: Any) -> type[Values] | None:
    is_section = isinstance(annotation, type) and issubclass(annotation, Values)
    return annotation if is_section else None
