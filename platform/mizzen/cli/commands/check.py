"""`mizzen check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mizzen.cli.context import CommandContext, command_app
from mizzen.errors import InvalidProject

app, command = command_app("mizzen check --data --project my-project")
_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}


@command
def check(
    context: CommandContext,
    data: Annotated[
        bool, typer.Option("--data", help="Also load the source and check its rows.")
    ] = False,
    images: Annotated[
        bool,
        typer.Option("--images", help="Also check that images hold what the steps import."),
    ] = False,
    sbom: Annotated[
        Path | None,
        typer.Option(help="With --images: the list (CycloneDX, JSON) of an image of your own."),
    ] = None,
) -> None:
    """Check a project without running it."""
    findings = context.project.check(data=data, images=images or sbom is not None, sbom=sbom)
    faults = [finding for finding in findings if finding.level == "error"]

    def show() -> None:
        for finding in findings:
            mark, colour = _MARKS[finding.level]
            context.say(f"{typer.style(mark, fg=colour)} {finding.subject}: {finding.message}")
            if finding.next_step:
                context.say(f"    next: {finding.next_step}")

    context.answer({"ok": not faults, "findings": findings}, show)
    if faults:
        raise typer.Exit(InvalidProject.exit_code)
