"""`mizzen retrain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from mizzen.cli.commands.run import finish
from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.progress import progress
from mizzen.cli.show import table
from mizzen.errors import UserError

app, command = command_app("mizzen retrain --cause merge --trigger $(git rev-parse HEAD)")


@command
def retrain(
    context: CommandContext,
    cause: Annotated[
        str, typer.Option(help="person, schedule, data, merge, drift or quality.")
    ] = "person",
    trigger: Annotated[
        str | None,
        typer.Option(
            help="Idempotency key of the trigger (a commit, a tick); one key never starts two runs."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", help="End of the training window. Absent: all rows for a person, else now."
        ),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Reset the circuit breaker; starts nothing.")
    ] = False,
    unfreeze: Annotated[
        bool,
        typer.Option("--unfreeze", help="Lift the freeze after a rollback; starts nothing."),
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Show every decision so far; starts nothing.")
    ] = False,
) -> None:
    """Train again on the newest window, if the guard allows; either is kept with its reason."""
    asks = cause != "person" or trigger is not None or until is not None
    _one_wish(
        {"--history": history, "--reset": reset, "--unfreeze": unfreeze, "a retraining": asks}
    )
    if history:
        found = context.project.decisions()
        rows = [(f"{d.at:%F %T}", d.cause, d.rule, d.reason, d.run) for d in found]
        columns = ("at", "cause", "rule", "reason", "run")
        context.answer({"decisions": found}, lambda: table(context, columns, rows))
        return
    if reset:
        record = context.project.reset_breaker()
        context.answer({"decision": record}, lambda: context.say("the breaker is closed again"))
        return
    if unfreeze:
        record = context.project.lift_freeze()
        context.answer({"decision": record}, lambda: context.say("alarms may retrain again"))
        return
    with progress(context) as on_event:
        result = context.project.retrain(
            cause=cause, trigger=trigger, until=until, on_event=on_event
        )
    if result.run is None:
        decision = result.decision
        context.answer(
            {"decision": decision, "run": None},
            lambda: context.say(f"not retrained ({decision.rule}): {decision.reason}"),
        )
        return
    finish(context, context.project.run_info(result.run.id))


def _one_wish(wishes: Mapping[str, bool]) -> None:
    """Raises UserError for two at once: the second would be passed over."""
    given = [name for name, wished in wishes.items() if wished]
    if len(given) > 1:
        raise UserError(
            "one call does one thing",
            given=" and ".join(given),
            allowed="--history, --reset or --unfreeze alone, or a retraining without them",
            next_step="call it once for each",
        )
