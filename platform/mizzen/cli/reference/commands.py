"""`cli.md`: every command with its arguments, options and example, from the Typer app."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from typer import Context
from typer.main import get_command

from mizzen.cli.app import EXIT_CODES, app

_COMMON = "Common options"  # the panel that `mizzen.cli.context` shows them in
_HEAD = """\
# Commands

Generated from the Typer app by `python -m mizzen.cli.reference`. What each command does is one
call of `mizzen.Project`.
"""


def commands_page() -> str:
    """The whole page."""
    found = list(commands())
    parts = [_HEAD, *_common(found[0][1]), f"{EXIT_CODES}\n"]
    parts += [part for name, command in found for part in _command(name, command)]
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, as its whole name and its Click command."""
    yield from _leaves("mizzen", get_command(app))


def example_of(command: Any) -> str:
    """The example below a command's help; empty without one."""
    return str(command.epilog or "").removeprefix("Example: ")


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield name, command
        return
    context = Context(command)
    for inner in command.list_commands(context):
        yield from _leaves(f"{name} {inner}", command.get_command(context, inner))


def _common(command: Any) -> Iterator[str]:
    yield "## Options of every command\n"
    yield _table(_rows(command, [p for p in command.params if _is_common(p)]))


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## `{name}`\n"
    yield f"{command.help}\n"
    own = [p for p in command.params if not _is_common(p) and not p.hidden]
    if own:
        yield _table(_rows(command, own))
    yield f"```bash\n{example_of(command)}\n```\n"


def _is_common(parameter: Any) -> bool:
    return getattr(parameter, "rich_help_panel", None) == _COMMON


def _rows(command: Any, parameters: Iterable[Any]) -> Iterator[tuple[str, str, str]]:
    context = Context(command)
    for parameter in parameters:
        record = parameter.get_help_record(context)
        name = record[0] if record else str(parameter.name)
        required = "required" if parameter.required else _default(parameter)
        yield f"`{name}`", str(parameter.help or ""), required


def _default(parameter: Any) -> str:
    default = parameter.default
    return "" if default in (None, "", False) else f"`{default}`"


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = ["| argument or option | meaning | default |", "|---|---|---|"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"
