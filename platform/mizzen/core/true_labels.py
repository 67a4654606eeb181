"""The one check of labels that arrive after the answer, whichever door they come through.

The command line, files, the service's route, the control API and replays all ask here, and so
does whoever reads labels that were stored before they were checked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from mizzen.core.canonical import canonical_text
from mizzen.errors import InvalidData

FIELDS = ("prediction_id", "value", "at")
SKEW = timedelta(minutes=1)  # clocks of two machines differ; what is this little ahead is now
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONGEST_ID = 64
_ID = re.compile(f"[!-~]{{1,{_LONGEST_ID}}}")  # they stand in lines of files
_FIRST_YEAR = 1678  # the first whole year that tables hold with nanoseconds
_SHOWN = 10  # refused labels in one error
_CLASSES = 20  # classes in one error
_MEANT = {
    "time": "at",
    "timestamp": "at",
    "known_at": "at",
    "label": "value",
    "id": "prediction_id",
}


@dataclass(frozen=True, slots=True)
class TrueLabel:
    """What a prediction turned out to be; `at` is when that became known."""

    prediction_id: str
    value: float | int | str
    at: datetime


@dataclass(frozen=True, slots=True)
class LabelRule:
    """What a label of one model may be: a finite number in a regression, else the text of one
    of the classes that training saw."""

    task: str
    classes: tuple[str, ...]

    def read(self, value: object) -> float | str:
        """The value as it is kept.

        Raises:
            InvalidData: the task knows no such label.
        """
        if self.task == "regression":
            return self._number(value)
        try:
            name = canonical_text(value)
        except InvalidData:  # an infinite number, say, or a list: the name of no class
            name = None
        if name is None or name not in self.classes:
            raise self._refused(value, _meant(name, self.classes))
        return name

    def knows(self, value: object) -> bool:
        """Whether `read` takes the value."""
        try:
            self.read(value)
        except InvalidData:
            return False
        return True

    @property
    def allowed(self) -> str:
        """In words."""
        if self.task == "regression":
            return "a finite number, with a point for decimals"
        more = len(self.classes) - _CLASSES
        return ", ".join(self.classes[:_CLASSES]) + (f" and {more} more" if more > 0 else "")

    def _number(self, value: object) -> float:
        number = _to_float(value)
        if number is None or not math.isfinite(number):
            raise self._refused(value, None)
        return number

    def _refused(self, value: object, meant: str | None) -> InvalidData:
        next_step = "fix the value" if meant is None else f"did you mean {meant!r}?"
        return InvalidData(
            "the value is no label of this task",
            given="no value" if value in (None, "") else repr(value),
            allowed=self.allowed,
            next_step=next_step,
        )


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """A label as it was given. `at`: ISO text or an instant; now when None. `where`: how the
    giver finds it again, such as `row 3`."""

    prediction_id: object
    value: object
    at: object
    where: str


def given_labels(rows: Sequence[Mapping[str, Any]]) -> list[GivenLabel]:
    """Rows of a file as labels; the first is row 1.

    Raises:
        InvalidData: a row has a field that labels do not have, or lacks one.
    """
    for number, row in enumerate(rows, start=1):
        check_fields(row, f"row {number}")
    return [
        GivenLabel(row["prediction_id"], row["value"], _or_none(row.get("at")), f"row {number}")
        for number, row in enumerate(rows, start=1)
    ]


def _or_none(at: object) -> object:
    return None if at == "" else at


def check_fields(names: Mapping[str, Any] | Sequence[str], where: str) -> None:
    """Raises InvalidData, with a hint, unless these are the fields of a label."""
    unknown = [str(name) for name in names if name not in FIELDS]
    missing = [name for name in FIELDS[:2] if name not in names]
    if not unknown and not missing:
        return
    hints = [f"{name!r}: {_MEANT[name]!r}" for name in unknown if name in _MEANT]
    close = {name: get_close_matches(name, FIELDS, n=1) for name in unknown if name not in _MEANT}
    hints += [f"{name!r}: {match[0]!r}" for name, match in close.items() if match]
    meant = f"did you mean {', '.join(hints)}? " if hints else ""
    fault = f"has no {' and no '.join(missing)}" if missing else "has fields that labels lack"
    raise InvalidData(
        f"{where} {fault}",
        given=", ".join(map(str, names)) or "nothing",
        allowed="prediction_id, value and, where it is known, at",
        next_step=f"{meant}Nothing was kept; fix it and import it again",
    )


@dataclass(frozen=True, slots=True)
class LabelFault:
    """A label that cannot be taken, and why."""

    label: GivenLabel
    error: InvalidData


def read_labels(
    given: Iterable[GivenLabel], rule_of: Callable[[str], LabelRule | None], now: datetime
) -> tuple[list[TrueLabel], list[LabelFault]]:
    """Labels as the log keeps them, in their order, and those that cannot be taken.

    Args:
        rule_of: prediction id -> the rule of the model that answered; None where no prediction
            has this id, whose label is on neither side.

    Of labels that came together, one instant knows one value of a prediction: the same one again
    counts once, another one cannot be taken.
    """
    kept: list[TrueLabel] = []
    faults: list[LabelFault] = []
    before: dict[tuple[str, datetime], tuple[TrueLabel, GivenLabel]] = {}
    for label in given:
        try:
            name = _id_of(label.prediction_id)
            rule = rule_of(name)
            if rule is None:
                continue
            read = TrueLabel(name, rule.read(label.value), _known_at(label.at, now))
            first, where = before.setdefault((name, read.at), (read, label))
            if first.value != read.value:
                raise _contradicts(label, where)
            if first is read:
                kept.append(read)
        except InvalidData as error:
            faults.append(LabelFault(label, error))
    return kept, faults


def refusal(faults: Sequence[LabelFault], of: int) -> InvalidData:
    """One error for all of them: the first ten by row, id and value. None of the `of` labels
    that came together is kept."""
    shown = [
        f"{fault.label.where}, id {fault.label.prediction_id}: {fault.error.given}"
        f" ({fault.error.message})"
        for fault in faults[:_SHOWN]
    ]
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return InvalidData(
        f"{len(faults)} of {of} labels cannot be taken, so none was kept",
        given="; ".join(shown) + more,
        allowed="; ".join(dict.fromkeys(str(fault.error.allowed) for fault in faults)),
        next_step=faults[0].error.next_step,
    )


def _contradicts(label: GivenLabel, other: GivenLabel) -> InvalidData:
    return InvalidData(
        "another label of the same prediction and instant contradicts it",
        given=f"{label.value!r}, and {other.value!r} in {other.where}",
        allowed="one value at an instant; a correction has an `at` of its own",
        next_step="leave one of them out, or give each the `at` at which it became known",
    )


def _id_of(given: object) -> str:
    if not isinstance(given, str) or not _ID.fullmatch(given):
        raise InvalidData(
            "there is no such prediction id",
            given=repr(given)[:200],
            allowed=f"the text in the service's answer, up to {_LONGEST_ID} visible characters",
            next_step="give the prediction_id of the answer",
        )
    return given


def _known_at(at: object, now: datetime) -> datetime:
    """When the label became known.

    Raises:
        InvalidData: no instant, no zone, or one that has not come: a correction made until then
            would lose against it.
    """
    if at is None:
        return now
    instant = _instant(at)
    if instant is None or instant.tzinfo is None:
        zone = "" if instant is None else ": the zone is missing"
        raise InvalidData(
            f"`at` is not an ISO 8601 timestamp with a time zone{zone}",
            given=repr(at) if isinstance(at, str) else at,
            allowed="2024-03-01T12:00:00Z or 2024-03-01T07:00:00-05:00; nothing means now",
            next_step="write the time zone",
        )
    if instant.year < _FIRST_YEAR:
        raise InvalidData(
            "`at` is out of range",
            given=instant.isoformat(),
            allowed=f"an instant since the year {_FIRST_YEAR}",
            next_step="give the instant at which the label became known",
        )
    if instant > now + SKEW:
        raise InvalidData(
            "`at` lies in the future: a later correction would lose against it",
            given=instant.isoformat(),
            allowed=f"up to now, {now.astimezone(UTC):%FT%TZ}",
            next_step="give the instant at which the label became known (a wrong zone?)",
        )
    return min(instant, now).astimezone(UTC)


def _instant(at: object) -> datetime | None:
    if isinstance(at, datetime):
        return at
    try:
        return datetime.fromisoformat(str(at).strip())
    except ValueError:
        return None


def _to_float(value: object) -> float | None:
    """Plain decimal notation or a number; no booleans, no nan written out."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value.strip()) else None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def _meant(name: str | None, classes: Sequence[str]) -> str | None:
    """The class that was probably meant: written otherwise, or the same number."""
    return next(iter(_candidates(name, classes)), None) if name else None


def _candidates(name: str, classes: Sequence[str]) -> Iterator[str]:
    plain = name.strip().casefold()
    yield from (known for known in classes if known.strip().casefold() == plain)
    number = _to_float(name)
    if number is not None:
        yield from (known for known in classes if _to_float(known) == number)
    yield from get_close_matches(name, classes, n=1)
