"""`mizzen replay`."""

from __future__ import annotations

from typing import Annotated

import typer

from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.progress import figures_text, progress

app, command = command_app("mizzen replay --from 2013-07-01 --until 2013-07-08")


@command
def replay(
    context: CommandContext,
    start: Annotated[str, typer.Option("--from", help="First event time (ISO, zoned).")],
    end: Annotated[str, typer.Option("--until", help="End of the window, exclusive.")],
    service: Annotated[
        str | None,
        typer.Option(help="Address of the service; what `mizzen up` started if absent."),
    ] = None,
) -> None:
    """Send past rows to a running service as they came: features, requests, labels."""
    with progress(context) as on_event:
        counts = context.project.replay(start=start, end=end, service=service, on_event=on_event)
    shown = {name: value for name, value in counts.items() if name != "example"}
    context.answer(counts, lambda: context.say(figures_text(shown)))
