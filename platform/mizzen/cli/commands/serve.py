"""`mizzen serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from mizzen.cli.door import Door, command_app

app, command = command_app("mizzen serve --version 2 --port 3001")


@command
def serve(
    door: Door,
    version: Annotated[
        int | None, typer.Option("--version", help="A version's number; the champion if absent.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Instead of the profile's.", min=0)] = None,
) -> None:
    """Serve one version in the foreground, until Ctrl-C."""
    where = door.project.workspace.place.profile.serving
    shown = where.port if port is None else port
    typer.echo(f"serving on http://{where.host}:{shown}; Ctrl-C ends it", err=True)
    status = door.project.serve(version, port)
    door.answer({"status": status}, lambda: None)
    raise typer.Exit(status)
