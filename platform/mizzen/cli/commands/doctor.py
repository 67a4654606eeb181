"""`mizzen doctor`."""

from __future__ import annotations

import typer

from mizzen.cli.context import CommandContext, command_app
from mizzen.errors import UserError

app, command = command_app("mizzen doctor")
_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}


@command
def doctor(context: CommandContext) -> None:
    """Whether this machine has what the project needs, and how to fix what it lacks."""
    found = context.project.doctor()
    faults = [diagnosis for diagnosis in found if diagnosis.level == "error"]

    def show() -> None:
        for diagnosis in found:
            mark, colour = _MARKS[diagnosis.level]
            context.say(f"{typer.style(mark, fg=colour)} {diagnosis.subject}: {diagnosis.found}")
            if diagnosis.fix:
                context.say(f"    next: {diagnosis.fix}")

    context.answer({"ok": not faults, "diagnoses": found}, show)
    if faults:
        raise typer.Exit(UserError.exit_code)
