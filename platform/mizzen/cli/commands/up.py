"""`mizzen up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mizzen.cli.door import Door, command_app
from mizzen.cli.show import table

if TYPE_CHECKING:
    from mizzen.control.stack.stack import StackStatus

app, command = command_app("mizzen up")


@command
def up(door: Door) -> None:
    """Start MLflow's page and the champion's service; returns when they answer."""
    found = door.project.up(lambda waits: typer.echo(waits, err=True))
    notes = door.project.notes_on_features()

    def show() -> None:
        show_stack(door, found)
        for note in notes:
            door.say(f"note: {note}")

    door.answer(found, show)


def show_stack(door: Door, found: StackStatus) -> None:
    """What runs, with addresses."""
    if not found.running:
        door.say("nothing runs; start it: mizzen up")
        return
    served = found.service or "none"
    what = "no champion yet" if found.version is None else f"version {found.version}"
    rows = [("page", found.page or "not ready", "MLflow"), ("service", served, what)]
    table(door, ("part", "address", "what"), rows)
    for note in found.notes:
        door.say(f"note: {note}")
