"""What a project's view function returned, checked against the view. Used by `features`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mizzen.adapters.feast.keys import text_keys
from mizzen.errors import InvalidProject
from mizzen.spec.features import TIME, FeatureView

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = {"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"}


def checked(view: FeatureView, returned: object) -> pd.DataFrame:
    """The view's columns of what the function returned: entity (canonical text), time, features
    (float64, or canonical text).

    Raises:
        InvalidData: an entity or a category has no text of its own.
        InvalidProject: no DataFrame, a column is missing or of the wrong type, or entity or
            time hold nulls. The text names the function, the columns and what they held.
    """
    import pandas as pd

    if not isinstance(returned, pd.DataFrame):
        raise _fault(view, "returned no DataFrame", given=type(returned).__name__)
    wanted = [*view.entity, TIME, *(column.name for column in view.columns)]
    missing = [name for name in wanted if name not in returned.columns]
    if missing:
        raise _fault(
            view,
            f"returned a frame without {', '.join(missing)}",
            given=", ".join(map(str, returned.columns)) or "no columns",
            allowed=", ".join(wanted),
        )
    frame = returned[wanted].reset_index(drop=True)
    _check_time(view, frame[TIME])
    for name in view.entity:
        frame[name] = _texts(view, name, frame[name])
        _check_entity(view, name, frame[name])
    for column in view.columns:
        form = _numbers if column.kind == "number" else _texts
        frame[column.name] = form(view, column.name, frame[column.name])
    return frame


def _check_time(view: FeatureView, times: pd.Series[Any]) -> None:
    import pandas as pd

    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        raise _fault(
            view,
            f"returned {TIME!r} without zone",
            given=times.dtype,
            allowed="instants with zone",
            next_step="pandas.to_datetime(..., utc=True), or .dt.tz_localize(zone)",
        )
    if bool(times.isna().any()):
        raise _fault(view, f"returned {int(times.isna().sum())} rows without {TIME!r}")


def _check_entity(view: FeatureView, name: str, values: pd.Series[Any]) -> None:
    nulls = int(values.isna().sum())
    if nulls:
        raise _fault(
            view,
            f"returned {nulls} rows whose entity {name!r} is null",
            next_step="drop them: nobody can ask for them",
        )


def _texts(view: FeatureView, name: str, values: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(text_keys(values, f"{name!r} of the view {view.name!r}"), dtype=object)


def _numbers(view: FeatureView, name: str, values: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    if pd.api.types.infer_dtype(values, skipna=True) not in NUMBERS:
        raise _fault(
            view,
            f"returned {name!r}, a number, with other values",
            given=f"{values.dtype}, as in {values.dropna().iloc[0]!r}",
            next_step="make numbers of them, or declare the column with `kind: category`",
        )
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise _fault(
            view,
            f"returned {infinite} infinite values in {name!r}",
            next_step="look for a division by zero; null is allowed",
        )
    return pd.Series(numbers)


def _fault(view: FeatureView, what: str, **told: Any) -> InvalidProject:
    told.setdefault("next_step", f"fix {view.source}")
    return InvalidProject(f"{view.source} of the view {view.name!r} {what}", **told)
