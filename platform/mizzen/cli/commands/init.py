"""`mizzen init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.umask import usual

app, command = command_app("mizzen init my-project")


@command
def init(
    context: CommandContext,
    name: Annotated[str, typer.Argument(help="The new project's name, or a path that ends in it.")],
    template: Annotated[str, typer.Option(help="What to start from.")] = "tabular",
) -> None:
    """Make a small project that checks and trains as it is."""
    from mizzen.control.scaffold import create

    with usual():
        folder = create(context.folder / Path(name), template)

    def show() -> None:
        context.say(f"made {folder}")
        context.say(f"next: cd {name} && mizzen check --data && mizzen run")

    context.answer({"folder": folder, "template": template}, show)
