"""`mizzen doctor`."""

from __future__ import annotations

import typer

from mizzen.cli.door import Door, command_app
from mizzen.errors import UserError

app, command = command_app("mizzen doctor")
_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}


@command
def doctor(door: Door) -> None:
    """Whether this machine has what the project needs, and how to mend what it lacks."""
    found = door.project.doctor()
    faults = [diagnosis for diagnosis in found if diagnosis.level == "error"]

    def show() -> None:
        for diagnosis in found:
            mark, colour = _MARKS[diagnosis.level]
            door.say(f"{typer.style(mark, fg=colour)} {diagnosis.subject}: {diagnosis.found}")
            if diagnosis.fix:
                door.say(f"    next: {diagnosis.fix}")

    door.answer({"ok": not faults, "diagnoses": found}, show)
    if faults:
        raise typer.Exit(UserError.exit_code)
