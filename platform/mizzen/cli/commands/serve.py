"""`mizzen serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from mizzen.cli.context import CommandContext, command_app

app, command = command_app("mizzen serve --version 2 --port 3001")


@command
def serve(
    context: CommandContext,
    version: Annotated[
        int | None, typer.Option("--version", help="A version's number; the champion if absent.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Instead of the profile's.", min=0)] = None,
) -> None:
    """Serve one version in the foreground, until Ctrl-C."""

    def tell(address: str) -> None:
        for note in context.project.notes_on_features(version):
            typer.echo(f"note: {note}", err=True)
        typer.echo(f"serving on {address}; Ctrl-C ends it", err=True)

    status = context.project.serve(version, port, tell)
    context.answer({"status": status}, lambda: None)
    raise typer.Exit(status)
