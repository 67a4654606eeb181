"""`mizzen labels ...`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from mizzen.cli.door import Door, as_command, group_app
from mizzen.cli.values import read, records
from mizzen.errors import InvalidData, NotFound

app = group_app("Labels: what predictions turned out to be.")
_ID, _VALUE, _AT = "prediction_id", "value", "at"
_SHOWN = 10  # unknown ids; --json has all


@as_command(app, "add", "mizzen labels add 01J8Z... 1 --at 2013-07-01T12:00:00Z")
def add(
    door: Door,
    prediction: Annotated[str, typer.Argument(help="The id in the service's answer.")],
    value: Annotated[str, typer.Argument(help="A class, or a number for regression.")],
    at: Annotated[str | None, typer.Option(help="When it became known; now if absent.")] = None,
) -> None:
    """Keep the label of one prediction."""
    door.project.label(prediction, _value(value), at)
    door.answer({"accepted": 1}, lambda: door.say("1 label kept"))


@as_command(app, "import", "mizzen labels import labels.csv")
def import_labels(
    door: Door,
    file: Annotated[
        Path, typer.Argument(help="CSV or JSON with prediction_id, value, at; - reads the input.")
    ],
) -> None:
    """Keep the labels of many predictions; exits with 3 if the log lacks some of them."""
    text = read(file)
    rows = records(text, str(file)) if text.lstrip()[:1] in "[{" else list(_table(text, file))
    found = []
    for number, row in enumerate(rows, start=1):
        if not row.get(_ID) or row.get(_VALUE) in {None, ""}:
            raise InvalidData(
                f"row {number} of {file} has no {_ID} or {_VALUE}",
                given=row,
                allowed=f"columns {_ID}, {_VALUE} and, if known, {_AT}",
            )
        found.append((str(row[_ID]), _value(row[_VALUE]), row.get(_AT) or None))
    kept = door.project.label_many(found)

    def show() -> None:
        door.say(f"{kept.accepted} labels kept")
        if kept.unknown:
            more = len(kept.unknown) - _SHOWN
            names = ", ".join(kept.unknown[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
            door.say(f"{len(kept.unknown)} ids are of no logged prediction, left out: {names}")

    door.answer(kept, show)
    if kept.unknown:
        raise typer.Exit(NotFound.exit_code)


def _table(text: str, file: Path) -> csv.DictReader[str]:
    reader = csv.DictReader(io.StringIO(text))
    if _ID not in (reader.fieldnames or ()):
        raise InvalidData(
            f"{file} is no table of labels",
            given=", ".join(reader.fieldnames or ()) or "an empty file",
            allowed=f"columns {_ID}, {_VALUE} and, if known, {_AT}",
        )
    return reader


def _value(value: object) -> float | str:
    if isinstance(value, bool | int | float):
        return float(value)
    try:
        return float(str(value))
    except ValueError:
        return str(value)
