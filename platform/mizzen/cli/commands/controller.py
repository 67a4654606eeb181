"""`mizzen controller`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from mizzen.cli.context import CommandContext, command_app
from mizzen.errors import TemporaryError

if TYPE_CHECKING:
    from mizzen.control.controller.status import ControllerStatus

app, command = command_app("mizzen controller --once")
_SHOWN = 3  # effects


@command
def controller(
    context: CommandContext,
    once: Annotated[
        bool, typer.Option("--once", help="One round, with the drift job where it is due.")
    ] = False,
) -> None:
    """Run the loop that ends dead runs, makes the registry follow the champion, judges windows,
    answers alarms and resumes retrainings; until Ctrl-C. `mizzen up` runs one. Of several, one
    leads and the others wait."""

    def tell(text: str) -> None:
        typer.echo(f"{datetime.now(UTC):%FT%TZ} {text}", err=True)

    if not once:
        context.project.controller(tell)
        return
    result = context.project.controller_round(tell)
    if result is None:
        raise TemporaryError(
            "another controller leads",
            given=context.project.controller_status().leader,
            next_step="see what it does: mizzen status",
        )

    def show() -> None:
        for waits in result.waits:
            context.say(f"waits for {waits}")
        for part, error in result.errors.items():
            context.say(f"{part}: {error}")

    context.answer(result, show)


def show_controller(context: CommandContext, found: ControllerStatus) -> None:
    """Who leads, what it did last, what it waits for, what it meets."""
    if found.leader is None:
        context.say("controller: none leads; start one: mizzen up")
        return
    round_at = "" if found.at is None else f", last round {found.at:%F %T}"
    context.say(f"controller: {found.leader} leads{round_at}")
    for effect in found.did[:_SHOWN]:
        context.say(f"  {effect.at:%F %T} {effect.what}")
    for waits in found.waits:
        context.say(f"  waits for {waits}")
    for problem in found.problems:
        again = f"since {problem.since:%F %T}, tried again {problem.again:%F %T}"
        context.say(f"  error in {problem.part}, {again}: {problem.what}")
