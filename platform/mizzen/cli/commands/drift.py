"""`mizzen drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.progress import figures_text
from mizzen.cli.show import ending
from mizzen.core.runs import RunState
from mizzen.errors import StepFailed

if TYPE_CHECKING:
    from mizzen.control.monitoring.retrain import RetrainResult
    from mizzen.project import Project
    from mizzen.state.records import RunRecord

app, command = command_app("mizzen drift --until 2013-10-01")


@command
def drift(
    context: CommandContext,
    until: Annotated[
        str | None, typer.Option("--until", help="End of the window (ISO, zoned); now if absent.")
    ] = None,
    act: Annotated[
        bool, typer.Option("--act", help="Answer alarms: retrain where the guard allows.")
    ] = False,
) -> None:
    """Compare a window of predictions with training; store an alarm if they differ. Exits with 5
    if a retraining failed."""
    found = context.project.tick(until=until) if act else context.project.drift(until=until)

    def show() -> None:
        for window in found.windows:
            verdict = f"{window.kind} {window.verdict}"
            start = "the beginning" if window.start is None else f"{window.start:%F %T}"
            context.say(f"{start} to {window.end:%F %T}, version {window.version}: {verdict}")
            context.say(f"  {figures_text(window.figures)}")
            if window.report:
                context.say(f"  report: {window.report}")
        for answer in found.retrained:
            context.say("\n".join(answered(context.project, answer)))

    context.answer(found, show)
    if any(answer.run is not None and failed(answer.run) for answer in found.retrained):
        raise typer.Exit(StepFailed.exit_code)


def answered(project: Project, answer: RetrainResult) -> list[str]:
    """What was decided about an alarm, and how the run that followed ended."""
    decision, run = answer.decision, answer.run
    lines = [f"retrain: {'go' if decision.go else 'no'} ({decision.rule}): {decision.reason}"]
    if run is not None:
        lines += [f"  {line}" for line in ending(project, project.run_info(run.id))]
        lines += [f"  why: mizzen runs show {run.id}"] if failed(run) else []
    return lines


def failed(run: RunRecord) -> bool:
    """Whether a run ended otherwise than it should."""
    return run.state.ended and run.state is not RunState.SUCCEEDED
