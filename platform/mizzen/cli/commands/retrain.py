"""`mizzen retrain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from mizzen.cli.commands.run import finish
from mizzen.cli.door import Door, command_app
from mizzen.cli.progress import progress
from mizzen.cli.show import table
from mizzen.errors import UserError

app, command = command_app("mizzen retrain --cause merge --trigger $(git rev-parse HEAD)")


@command
def retrain(
    door: Door,
    cause: Annotated[
        str, typer.Option(help="person, schedule, data, merge, drift or quality.")
    ] = "person",
    trigger: Annotated[
        str | None,
        typer.Option(help="Id of what asks (a commit, a tick); the same id never starts two runs."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", help="End of the training window. Absent: all rows for a person, else now."
        ),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Close the breaker after failures; starts nothing.")
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
        found = door.project.decisions()
        rows = [(f"{d.at:%F %T}", d.cause, d.rule, d.reason, d.run) for d in found]
        columns = ("at", "cause", "rule", "reason", "run")
        door.answer({"decisions": found}, lambda: table(door, columns, rows))
        return
    if reset:
        record = door.project.reset_breaker()
        door.answer({"decision": record}, lambda: door.say("the breaker is closed again"))
        return
    if unfreeze:
        record = door.project.lift_freeze()
        door.answer({"decision": record}, lambda: door.say("alarms may retrain again"))
        return
    with progress(door) as watch:
        result = door.project.retrain(cause=cause, trigger=trigger, until=until, watch=watch)
    if result.run is None:
        decision = result.decision
        door.answer(
            {"decision": decision, "run": None},
            lambda: door.say(f"not retrained ({decision.rule}): {decision.reason}"),
        )
        return
    finish(door, door.project.run_info(result.run.id))


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
