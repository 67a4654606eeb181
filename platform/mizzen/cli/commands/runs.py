"""`mizzen runs ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from mizzen.cli.commands.run import finish
from mizzen.cli.context import CommandContext, as_command, group_app
from mizzen.cli.progress import figures_text, progress, seconds_text
from mizzen.cli.show import RUN_COLUMNS, run_document, run_rows, step_rows, table
from mizzen.core.runs import RunState, RunVerdict

app = group_app("Runs: what was run, how it went, what it printed.")
RunId = Annotated[str, typer.Argument(help="A run's id, or the beginning of it.", metavar="RUN")]


@as_command(app, "list", "mizzen runs list --sort roc_auc --limit 5 --json")
def list_runs(
    context: CommandContext,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    sort: Annotated[
        str | None,
        typer.Option(
            help="A metric: the best runs first, by its own direction; those without it last.",
            metavar="METRIC",
        ),
    ] = None,
    best: Annotated[
        int | None,
        typer.Option(min=1, help="How many of the best, by --sort or the primary metric."),
    ] = None,
    state: Annotated[RunState | None, typer.Option(help="Only runs in this state.")] = None,
    verdict: Annotated[
        RunVerdict | None,
        typer.Option(help="Only runs whose model the gate blessed or held, or that was known."),
    ] = None,
) -> None:
    """Runs with their metric, verdict and changed parameters; held ones too. Sorting and
    filtering look through the newest 10,000."""
    found = context.project.runs(limit, sort=sort, best=best, state=state, verdict=verdict)
    context.answer({"runs": found}, lambda: table(context, RUN_COLUMNS, run_rows(found)))


@as_command(app, "show", "mizzen runs show 20261121-1 --follow")
def show_run(
    context: CommandContext,
    run: RunId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Follow the run until it ends.")
    ] = False,
) -> None:
    """One run with its steps and key figures."""
    found = context.project.run_info(run)
    if follow:
        for step in found.follow():
            line = f"{step.name:<12} {step.state.value:<10} {seconds_text(step.seconds):>10}"
            context.say(f"{line}  {figures_text(step.figures)}".rstrip())

    def show() -> None:
        record = found.record
        context.say(
            f"run {record.id}: {record.title}, {record.state.value}, attempt {record.attempts}"
        )
        for name, value in record.arguments.items():
            context.say(f"  {name}: {value}")
        table(context, ("step", "state", "took", "figures"), step_rows(found))

    context.answer(run_document(context.project, found), show)


@as_command(app, "logs", "mizzen runs logs 20261121-1 train")
def logs(
    context: CommandContext,
    run: RunId,
    step: Annotated[str | None, typer.Argument(help="A step; all of them if absent.")] = None,
) -> None:
    """What the steps of a run printed."""
    found = context.project.run_info(run)
    names = [step] if step else [s.name for s in found.steps]
    texts = {name: found.logs(name) for name in names}

    def show() -> None:
        for name, text in texts.items():
            if len(texts) > 1:
                context.say(f"== {name}")
            context.say(text.rstrip("\n"))

    context.answer({"run": found.id, "logs": texts}, show)


@as_command(app, "resume", "mizzen runs resume 20261121-1")
def resume(context: CommandContext, run: RunId) -> None:
    """Go on with a failed, cancelled or interrupted run, as it was submitted."""
    with progress(context) as on_event:
        found = context.project.resume(run, on_event=on_event)
    finish(context, found)


@as_command(app, "cancel", "mizzen runs cancel 20261121-1")
def cancel(context: CommandContext, run: RunId) -> None:
    """Stop a run, here or on another machine; here, returns once no step of it runs."""
    found = context.project.cancel(run)
    context.answer(
        {"run": found.record}, lambda: context.say(f"run {found.id} {found.state.value}")
    )


@as_command(app, "compare", "mizzen runs compare 20261121-1 20261121-2 20261121-3")
def compare(
    context: CommandContext,
    runs: Annotated[
        list[str], typer.Argument(help="Two or more ids, or beginnings of them.", metavar="RUN...")
    ],
) -> None:
    """What differs between runs."""
    from mizzen.cli.commands.models import show_comparison

    show_comparison(context, context.project.compare(*runs))
