"""`mizzen up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.show import table

if TYPE_CHECKING:
    from mizzen.control.stack.stack import StackStatus

app, command = command_app("mizzen up")


@command
def up(context: CommandContext) -> None:
    """Start MLflow's page, the champion's service and the controller; returns when they answer."""
    found = context.project.up(lambda waits: typer.echo(waits, err=True))
    notes = context.project.notes_on_features()

    def show() -> None:
        show_stack(context, found)
        for note in notes:
            context.say(f"note: {note}")

    context.answer(found, show)


def show_stack(context: CommandContext, found: StackStatus) -> None:
    """What runs, with addresses."""
    rows = [
        (
            "serve",
            s.address,
            f"version {s.version}, process {s.pid}{'' if s.ready else ', loading'}",
        )
        for s in found.foreground
    ]
    if found.running:
        what = "no champion yet" if found.version is None else f"version {found.version}"
        rows.insert(0, ("service", found.service or "none", what))
        rows.insert(0, ("page", found.page or "not ready", "MLflow"))
    if not rows:
        context.say("nothing runs; start it: mizzen up")
        return
    table(context, ("part", "address", "what"), rows)
    for note in found.notes:
        context.say(f"note: {note}")
