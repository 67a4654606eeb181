"""`mizzen cache ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from mizzen.cli.context import CommandContext, as_command, group_app

app = group_app("The cache: results of steps that later runs take instead of executing again.")


@app.callback()
def cache() -> None:
    """A group, though of one command."""


@as_command(app, "prune", "mizzen cache prune --older-than 30d")
def prune(
    context: CommandContext,
    older_than: Annotated[
        str,
        typer.Option("--older-than", help="How long no run used them: a number with s, m, h or d."),
    ] = "30d",
) -> None:
    """Remove cached results that no run used for so long; runs and versions keep their files."""
    found = context.project.prune_cache(older_than)

    def show() -> None:
        size = f"{found.bytes / 1e6:,.1f} MB"
        context.say(f"removed {found.entries} results and {found.objects} outputs, {size}")

    context.answer(found, show)
