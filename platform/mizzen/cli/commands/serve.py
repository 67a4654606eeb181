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
    status = door.project.serve(
        version, port, lambda at: typer.echo(f"serving on {at}; Ctrl-C ends it", err=True)
    )
    door.answer({"status": status}, lambda: None)
    raise typer.Exit(status)
