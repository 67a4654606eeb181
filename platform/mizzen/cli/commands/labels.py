"""`mizzen labels ...`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from mizzen.cli.door import Door, as_command, group_app
from mizzen.cli.values import read, records
from mizzen.errors import InvalidData

app = group_app("Labels: what predictions turned out to be.")
_ID, _VALUE, _AT = "prediction_id", "value", "at"


@as_command(app, "add", "mizzen labels add 01J8Z... 1 --at 2013-07-01T12:00:00Z")
def add(
    door: Door,
    prediction: Annotated[str, typer.Argument(help="The id in the service's answer.")],
    value: Annotated[str, typer.Argument(help="A class, or a number for regression.")],
    at: Annotated[str | None, typer.Option(help="When it became known; now if absent.")] = None,
) -> None:
    """Keep the label of one prediction."""
    count = door.project.label(prediction, _value(value), at)
    door.answer({"accepted": count}, lambda: door.say("1 label kept"))


@as_command(app, "import", "mizzen labels import labels.csv")
def import_labels(
    door: Door,
    file: Annotated[
        Path, typer.Argument(help="CSV or JSON with prediction_id, value, at; - reads the input.")
    ],
) -> None:
    """Keep the labels of many predictions."""
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
    count = door.project.label_many(found)
    door.answer({"accepted": count}, lambda: door.say(f"{count} labels kept"))


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
