"""`mizzen predict`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mizzen.cli.commands.run import finish
from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.progress import progress
from mizzen.cli.values import read, records
from mizzen.errors import UserError

app, command = command_app("""mizzen predict --row '{"amount": 3, "country": "SE"}'""")


@command
def predict(
    context: CommandContext,
    row: Annotated[list[str] | None, typer.Option("--row", help="One row as JSON.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Rows as JSON or JSON lines; - is the input.")
    ] = None,
    batch: Annotated[
        bool, typer.Option("--batch", help="The project's own rows, without a service.")
    ] = False,
    version: Annotated[
        int | None, typer.Option(help="With --batch: a version; the champion if absent.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="With --batch: the window.")] = None,
    end: Annotated[str | None, typer.Option("--until", help="With --batch: the window.")] = None,
) -> None:
    """Ask the running service for predictions, or predict a window of rows with --batch."""
    if batch:
        with progress(context) as on_event:
            run = context.project.predict_batch(
                version=version, start=start, end=end, on_event=on_event
            )
        if not context.as_json:
            where = {name: s.artifacts for s in run.steps for name in s.artifacts}.get(
                "predictions"
            )
            context.say(f"predictions: {where['predictions']}" if where else "no predictions")
        finish(context, run)
        return
    rows = [found for text in row or () for found in records(text, "--row")]
    rows += records(read(file), "--file") if file is not None else []
    if not rows:
        raise UserError("nothing to predict", allowed="--row, --file or --batch")
    answer = context.project.predict(rows)
    context.answer(answer, lambda: context.say(json.dumps(answer, indent=2)))
