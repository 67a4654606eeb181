"""`mizzen labels ...`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mizzen.cli.context import CommandContext, as_command, group_app
from mizzen.cli.values import read, records
from mizzen.errors import InvalidData, NotFound

if TYPE_CHECKING:
    from mizzen.control.monitoring.labels import LabelResult

app = group_app("Labels: what predictions turned out to be.")
_SHOWN = 10  # ids; --json has all


@as_command(app, "add", "mizzen labels add 01J8Z... 1 --at 2013-07-01T12:00:00Z", negative=True)
def add(
    context: CommandContext,
    prediction: Annotated[str, typer.Argument(help="The id in the service's answer.")],
    value: Annotated[str, typer.Argument(help="A class, or a number for regression.")],
    at: Annotated[
        str | None, typer.Option(help="When it became known (ISO, zoned); now if absent.")
    ] = None,
) -> None:
    """Keep the label of one prediction."""
    kept = context.project.label(prediction, value, at)
    context.answer(kept, lambda: _show(context, kept))


@as_command(app, "import", "mizzen labels import labels.csv")
def import_labels(
    context: CommandContext,
    file: Annotated[
        Path, typer.Argument(help="CSV or JSON with prediction_id, value, at; - reads the input.")
    ],
) -> None:
    """Keep the labels of many predictions: all of them, or none where one cannot be taken. Exits
    with 3 if the log lacks some of the predictions."""
    from mizzen.core.true_labels import given_labels

    text = read(file).removeprefix("\ufeff")
    rows = records(text, str(file)) if text.lstrip()[:1] in "[{" else _table(text, file)
    given: list[tuple[Any, Any, Any]] = [
        (g.prediction_id, g.value, g.at) for g in given_labels(rows)
    ]
    kept = context.project.label_many(given)
    context.answer(kept, lambda: _show(context, kept))
    if kept.unknown:
        raise typer.Exit(NotFound.exit_code)


def _show(context: CommandContext, kept: LabelResult) -> None:
    context.say("1 label kept" if kept.accepted == 1 else f"{kept.accepted} labels kept")
    if kept.unknown:
        context.say(
            f"{_count(kept.unknown)} of no logged prediction, left out: {_few(kept.unknown)}"
        )
    if kept.unconfirmed:
        context.say(
            f"{_count(kept.unconfirmed)} not in the log of the service that took them; their "
            "labels are kept, and count once the shipped logs hold the predictions: "
            + _few(kept.unconfirmed)
        )


def _count(ids: Sequence[str]) -> str:
    return "1 id is" if len(ids) == 1 else f"{len(ids)} ids are"


def _few(ids: Sequence[str]) -> str:
    more = len(ids) - _SHOWN
    return ", ".join(ids[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _table(text: str, file: Path) -> list[dict[str, Any]]:
    """Rows of a CSV file, every value as its text.

    Raises:
        InvalidData: other columns than labels have, or a row with more or fewer fields.
    """
    from mizzen.core.true_labels import check_fields

    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        table = [fields for fields in lines if fields]
    except csv.Error as error:
        raise InvalidData(f"{file} is no CSV", given=error, next_step="fix the quotes") from None
    header = table[0] if table else []
    _check_separator(header, file)
    check_fields(header, str(file))
    for number, fields in enumerate(table[1:], start=1):
        if len(fields) != len(header) or len(set(header)) != len(header):
            raise InvalidData(
                f"row {number} of {file} has other fields than its header",
                given=f"{len(fields)} fields under {', '.join(header)}: {', '.join(fields)}",
                allowed=f"{len(header)} fields, each column once",
                next_step="fix the row; quote a value that holds a comma. Nothing was kept",
            )
    return [dict(zip(header, fields, strict=True)) for fields in table[1:]]


def _check_separator(header: Sequence[str], file: Path) -> None:
    """Spreadsheets of some countries write semicolons."""
    found = next((sign for sign in ";\t|" if len(header) == 1 and sign in header[0]), None)
    if found is not None:
        raise InvalidData(
            f"{file} separates its columns by {found!r}",
            given=header[0],
            allowed="commas, as in prediction_id,value,at",
            next_step="save it as CSV with commas. Nothing was kept",
        )
