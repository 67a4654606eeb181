"""`mizzen drift`."""

from __future__ import annotations

from typing import Annotated

import typer

from mizzen.cli.door import Door, command_app
from mizzen.cli.progress import figures_text

app, command = command_app("mizzen drift --until 2013-10-01")


@command
def drift(
    door: Door,
    until: Annotated[
        str | None, typer.Option("--until", help="End of the window (ISO, zoned); now if absent.")
    ] = None,
    act: Annotated[
        bool, typer.Option("--act", help="Answer alarms: retrain where the guard allows.")
    ] = False,
) -> None:
    """Compare a window of predictions with training; store an alarm if they differ."""
    found = door.project.tick(until=until) if act else door.project.drift(until=until)

    def show() -> None:
        for window in found.windows:
            verdict = f"{window.kind} {window.verdict}"
            start = "the beginning" if window.start is None else f"{window.start:%F %T}"
            door.say(f"{start} to {window.end:%F %T}, version {window.version}: {verdict}")
            door.say(f"  {figures_text(window.figures)}")
            if window.report:
                door.say(f"  report: {window.report}")
        for answer in found.retrained:
            outcome = "go" if answer.decision.go else "no"
            door.say(f"retrain: {outcome} ({answer.decision.rule}): {answer.decision.reason}")

    door.answer(found, show)
