"""`mizzen run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mizzen.cli.door import Door, command_app
from mizzen.cli.progress import progress
from mizzen.cli.show import ending, run_document
from mizzen.cli.values import overrides
from mizzen.core.runs import RunState
from mizzen.errors import StepFailed

if TYPE_CHECKING:
    from mizzen.project import Run

app, command = command_app("mizzen run --until 2013-07-01 --set trainer.seed=2")


@command
def run(
    door: Door,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="FIELD=VALUE of mizzen.yaml, for this run only.", metavar="FIELD=VALUE"
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First event time of the window (ISO, zoned).")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--until", help="End of the window, exclusive (ISO, zoned).")
    ] = None,
    title: Annotated[str, typer.Option(help="A name for the run.")] = "",
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Reuse the results of unchanged steps.")
    ] = True,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return at once; the run goes on by itself.")
    ] = False,
) -> None:
    """Train, judge and register a model; promote it if the gate allows."""
    wanted = overrides(set_ or [])
    if detach:
        run = door.project.submit(set=wanted, start=start, end=end, title=title, cache=cache)
        door.answer(
            {"run": run.record},
            lambda: door.say(f"run {run.id} started; watch it: mizzen runs show {run.id} --follow"),
        )
        return
    with progress(door) as watch:
        run = door.project.run(
            set=wanted, start=start, end=end, title=title, cache=cache, watch=watch
        )
    finish(door, run)


def finish(door: Door, run: Run) -> None:
    """Tell how a run ended; exit with 5 if it did not succeed."""
    door.answer(
        run_document(door.project, run), lambda: door.say("\n".join(ending(door.project, run)))
    )
    if run.state is not RunState.SUCCEEDED:
        if not door.as_json:
            _explain(door, run)
        raise typer.Exit(StepFailed.exit_code)


def _explain(door: Door, run: Run) -> None:
    try:
        run.check()
    except StepFailed as error:
        door.fail(error)
    trace = (run.record.error or {}).get("traceback")
    if door.debug and trace:
        door.say(str(trace))
