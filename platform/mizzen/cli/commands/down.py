"""`mizzen down`."""

from __future__ import annotations

from mizzen.cli.context import CommandContext, command_app

app, command = command_app("mizzen down")


@command
def down(context: CommandContext) -> None:
    """Stop what `mizzen up` started; leaves nothing running."""
    stopped = context.project.down()
    context.answer(
        {"stopped": stopped}, lambda: context.say("stopped" if stopped else "nothing ran")
    )
