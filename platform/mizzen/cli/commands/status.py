"""`mizzen status`."""

from __future__ import annotations

from mizzen.cli.commands.up import show_stack
from mizzen.cli.door import Door, command_app
from mizzen.cli.show import run_rows, table

app, command = command_app("mizzen status --json")


@command
def status(door: Door) -> None:
    """What runs, who the champion is, and the newest runs."""
    project = door.project
    stack, champion, runs = project.status(), project.champion(), project.runs(5)
    windows, notes = project.windows(), project.notes_on_features()
    pending = [w for w in windows if w.alarm and w.handled_by is None]
    quality = next((w for w in reversed(windows) if w.kind == "quality"), None)

    def show() -> None:
        show_stack(door, stack)
        if champion is None:
            door.say("champion: none yet")
        else:
            door.say(f"champion: version {champion.version}, by {champion.by}: {champion.reason}")
        for note in notes:
            door.say(f"note: {note}")
        for alarm in pending:
            door.say(f"alarm without an answer: {alarm.kind} until {alarm.end:%F %T}")
        if quality is not None:
            door.say(
                f"quality of version {quality.version} until {quality.end:%F %T}: "
                f"{quality.verdict}; {quality.founded}"
            )
        columns = ("run", "title", "state", "started", "took", "trigger", "version")
        table(door, columns, run_rows(runs))

    document = {
        "stack": stack,
        "champion": champion,
        "features": notes,
        "runs": runs,
        "pending_alarms": pending,
        "quality": quality,
    }
    door.answer(document, show)
