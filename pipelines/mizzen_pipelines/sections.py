"""Parts of a project's description as a pipeline carries them: plain JSON without nulls.

KFP knows no null inside a structure, and every null of a description means "not given".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mizzen.core.carried import pack_structure
from mizzen.errors import InvalidProject


def section(part: BaseModel) -> dict[str, Any]:
    """A section of `mizzen.yaml`, or all of it, as a dictionary that no engine reads text in."""
    document: dict[str, Any] = _given(part.model_dump(mode="json", by_alias=True))
    return pack_structure(document)


def sections(parts: tuple[BaseModel, ...]) -> list[dict[str, Any]]:
    """Several sections as a list."""
    return [section(part) for part in parts]


def _given(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _given(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        if None in value:
            raise InvalidProject(
                "a list holds a null, which a pipeline cannot carry",
                given=list(value),
                next_step="write the value, or leave the entry out",
            )
        return [_given(inner) for inner in value]
    return value
