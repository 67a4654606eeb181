"""`mizzen run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mizzen.cli.context import CommandContext, command_app
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
    context: CommandContext,
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
        run = context.project.submit(set=wanted, start=start, end=end, title=title, cache=cache)
        context.answer(
            {"run": run.record},
            lambda: context.say(
                f"run {run.id} started; watch it: mizzen runs show {run.id} --follow"
            ),
        )
        return
    with progress(context) as on_event:
        run = context.project.run(
            set=wanted, start=start, end=end, title=title, cache=cache, on_event=on_event
        )
    finish(context, run)


def finish(context: CommandContext, run: Run) -> None:
    """Tell how a run ended; exit with 5 if it did not succeed."""
    context.answer(
        run_document(context.project, run),
        lambda: context.say("\n".join(ending(context.project, run))),
    )
    if run.state is not RunState.SUCCEEDED:
        if not context.as_json:
            _explain(context, run)
        raise typer.Exit(StepFailed.exit_code)


def _explain(context: CommandContext, run: Run) -> None:
    try:
        run.check()
    except StepFailed as error:
        context.fail(error)
    trace = (run.record.error or {}).get("traceback")
    if context.debug and trace:
        context.say(str(trace))
