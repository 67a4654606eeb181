"""Entity keys and categories as text: one value has one text, offline and online."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.canonical import canonical_text, canonical_texts
from mizzen.errors import InvalidData


def text_keys(values: Any, what: str) -> NDArray[np.object_]:
    """A column (pandas' Series) as texts; null stays None.

    Raises:
        InvalidData: a value that has no text of its own, with column and row.
    """
    # pandas' own types become floats where a null is among them, unless objects are asked for
    plain = isinstance(values.dtype, np.dtype)
    given = values.to_numpy() if plain else values.to_numpy(dtype=object)
    return canonical_texts(given, what)


def request_keys(values: Iterable[Any], field: str) -> list[str | None]:
    """The texts of one field of a request's rows.

    Raises:
        InvalidData: a value that has no text of its own, with the field.
    """
    try:
        return [v if type(v) is str and v else canonical_text(v) for v in values]
    except InvalidData as error:
        raise InvalidData(
            f"field {field!r}: {error.message}",
            given=error.given,
            allowed=error.allowed,
            next_step="send it as text",
        ) from None
