"""What every command has in common: where the project is, how to answer, how to fail.

A command is a function whose first parameter is a `CommandContext`; `front_door` gives it the
common options and turns errors into their text and exit code.
"""

from __future__ import annotations

import errno
import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, get_type_hints

import typer

from mizzen.errors import MizzenError, TemporaryError, UserError

if TYPE_CHECKING:
    from rich.console import Console

    from mizzen.project import Project

INTERRUPTED = 130
_PANEL = "Common options"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_WRITABLE = "make it writable, or name another folder in `home` of the profile"
_SYSTEM = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _WRITABLE),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "a file is where a folder must be: move it"),
    **dict.fromkeys(_FULL, "free some space, then try again"),
}
_COMMON: dict[str, tuple[Any, Any]] = {
    "project": (
        Annotated[
            Path | None,
            typer.Option(
                "--project",
                "-C",
                help="Folder of mizzen.yaml; here if absent.",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "profile": (
        Annotated[
            str,
            typer.Option(
                "--profile", help="Where to run: profiles/NAME.yaml.", rich_help_panel=_PANEL
            ),
        ],
        "local",
    ),
    "as_json": (
        Annotated[
            bool,
            typer.Option(
                "--json",
                help="One JSON document on the standard output; progress on the other.",
                rich_help_panel=_PANEL,
            ),
        ],
        False,
    ),
    "debug": (
        Annotated[
            bool,
            typer.Option("--debug", help="Show tracebacks of errors.", rich_help_panel=_PANEL),
        ],
        False,
    ),
}


@dataclass
class CommandContext:
    """Between the terminal and one command."""

    folder: Path
    named: bool  # whether --project was given
    profile: str
    as_json: bool
    debug: bool

    @cached_property
    def project(self) -> Project:
        """The project, opened when first asked for."""
        from mizzen.project import Project

        return Project.open(self.folder, self.profile)

    @cached_property
    def console(self) -> Console:
        """For people: the standard output, or the error output beside a JSON document."""
        from rich.console import Console

        stream = sys.stderr if self.as_json else sys.stdout
        # what is not a terminal has no width to fold at
        width = None if stream.isatty() else 250
        return Console(file=stream, highlight=False, width=width)

    def say(self, text: str) -> None:
        """One line for people."""
        _write(text, sys.stderr if self.as_json else sys.stdout)

    def answer(self, value: Any, show: Callable[[], None]) -> None:
        """The command's result: the JSON document, or what people see."""
        if not self.as_json:
            show()
            return
        from mizzen.state.records import to_jsonable

        _write(_json(to_jsonable(value)), sys.stdout)

    def fail(self, error: MizzenError) -> None:
        """Tell an error: given, allowed, next."""
        if self.as_json:
            _write(_json({"error": error.as_dict()}), sys.stdout)
        sign = "error: "
        if sys.stderr.isatty():
            sign = typer.style(sign, fg="red", bold=True)
        _write(f"{sign}{error}", sys.stderr)


def _write(text: str, stream: TextIO) -> None:
    # named, since typer's default writes UTF-8 to a terminal that shows ASCII
    typer.echo(text, file=stream)


def _json(value: Any) -> str:
    # a character that is shown by its number is JSON only where JSON writes it
    utf = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, indent=2, ensure_ascii=not utf)


def _refuse_no_text(given: Mapping[str, Any]) -> None:
    """Paths may be any bytes; a name or a value that is no text would fail much later."""
    for name, value in given.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not _is_text(text):
                option = name.strip("_").replace("_", "-")
                raise UserError(f"{option} is no text", given=repr(text), allowed="UTF-8")


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _of_system(error: OSError) -> MizzenError | None:
    """What the system says about a file, in one line; None for what is no file's fault."""
    if error.filename is None or error.errno is None:
        return None
    kind = TemporaryError if error.errno in _FULL else UserError
    return kind(
        f"{os.fsdecode(error.filename)}: {str(error.strerror).lower()}",
        next_step=_SYSTEM.get(error.errno, "see the folder and its permissions"),
    )


def front_door(command: Callable[..., Any]) -> Callable[..., None]:
    """Give a command the common options and the way errors are told."""
    hints = get_type_hints(command, include_extras=True)
    own = list(inspect.signature(command).parameters.values())[1:]

    def enter(**given: Any) -> None:
        common = {name: given.pop(name) for name in _COMMON}
        folder = common["project"]
        named, folder = folder is not None, folder or Path()
        context = CommandContext(
            folder, named, common["profile"], common["as_json"], common["debug"]
        )
        try:
            _refuse_no_text({**given, "profile": context.profile})
            command(context, **given)
        except (MizzenError, OSError) as error:
            known = error if isinstance(error, MizzenError) else _of_system(error)
            if context.debug or known is None:
                raise
            context.fail(known)
            raise typer.Exit(known.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None

    parameters = [
        p.replace(annotation=hints[p.name], kind=inspect.Parameter.KEYWORD_ONLY) for p in own
    ]
    parameters += [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
        )
        for name, (annotation, default) in _COMMON.items()
    ]
    enter.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    enter.__annotations__ = {p.name: p.annotation for p in parameters}
    enter.__doc__, enter.__name__ = command.__doc__, command.__name__
    enter.__module__ = command.__module__
    return enter


def command_app(example: str, **options: Any) -> tuple[typer.Typer, Callable[..., Any]]:
    """An app of one command, and the decorator that makes a function that command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, **options)
    return app, as_command(app, None, example)


def as_command(
    app: typer.Typer, name: str | None, example: str, *, negative: bool = False
) -> Callable[..., Any]:
    """The decorator that adds a function to an app, with its example below its help.

    Args:
        negative: an argument may be a number below 0, which looks like an option.
    """
    settings = {"ignore_unknown_options": negative}

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        example_of = f"Example: {example}"
        app.command(name, epilog=example_of, context_settings=settings)(front_door(function))
        return function

    return add


def group_app(help_text: str) -> typer.Typer:
    """An app of several commands."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
