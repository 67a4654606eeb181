"""The tree of commands. Only the named command's module is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

# Command -> its module, in the order in which a user meets them.
COMMANDS = {
    "init": "init",
    "check": "check",
    "run": "run",
    "runs": "runs",
    "models": "models",
    "serve": "serve",
    "predict": "predict",
    "labels": "labels",
    "replay": "replay",
    "drift": "drift",
    "windows": "windows",
    "retrain": "retrain",
    "demo": "demo",
    "up": "up",
    "down": "down",
    "controller": "controller",
    "status": "status",
    "doctor": "doctor",
    "features": "features",
    "cache": "cache",
}
EXIT_CODES = (
    "Exit codes: 0 done (also when the gate refused a model: the verdict says so), 1 unexpected "
    "error, 2 wrong usage, 3 wrong input, 5 a run or step failed, 6 stored content is damaged, "
    "7 something is away or busy: try again, 130 interrupted."
)


class LazyGroup(TyperGroup):
    """Knows the names; imports a command when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            module = import_module(f"mizzen.cli.commands.{COMMANDS[cmd_name]}")
            command = get_command(module.app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: Sequence[str]) -> Any:
        """Suggestions of typer look at loaded commands: name all of them first."""
        if args and args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, list(args))


app = typer.Typer(
    name="mizzen",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="From one project description to a model that is trained, judged, served, watched "
    "and trained again.",
    epilog=EXIT_CODES,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        from mizzen import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Options of the command itself."""
