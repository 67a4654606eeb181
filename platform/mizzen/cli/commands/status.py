"""`mizzen status`."""

from __future__ import annotations

from mizzen.cli.commands.controller import show_controller
from mizzen.cli.commands.up import show_stack
from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.show import RUN_COLUMNS, run_rows, table

app, command = command_app("mizzen status --json")


@command
def status(context: CommandContext) -> None:
    """What runs, who the champion is, what the controller does, and the newest runs."""
    project = context.project
    stack, champion, runs = project.status(), project.champion(), project.runs(5)
    served = project.served()
    pending, notes = project.pending_alarms(), project.notes_on_features()
    quality, controller = project.newest_quality(), project.controller_status()

    def show() -> None:
        show_stack(context, stack)
        if served is not None and not stack.running:  # another machine's, or one that was killed
            context.say(
                f"by the state, version {served.version} is served at {served.address} "
                f"since {served.since:%F %T}"
            )
        if champion is None:
            context.say("champion: none yet")
        else:
            context.say(
                f"champion: version {champion.version}, by {champion.by}: {champion.reason}"
            )
        for note in notes:
            context.say(f"note: {note}")
        show_controller(context, controller)
        for alarm in pending:
            context.say(f"alarm without an answer: {alarm.kind} until {alarm.end:%F %T}")
        if quality is not None:
            context.say(
                f"quality of version {quality.version} until {quality.end:%F %T}: "
                f"{quality.verdict}; {quality.founded}"
            )
        table(context, RUN_COLUMNS, run_rows(runs))

    document = {
        "stack": stack,
        "served": served,
        "champion": champion,
        "controller": controller,
        "features": notes,
        "runs": runs,
        "pending_alarms": pending,
        "quality": quality,
    }
    context.answer(document, show)
