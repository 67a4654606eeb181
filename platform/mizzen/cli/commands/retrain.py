"""`mizzen retrain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mizzen.cli.commands.run import finish
from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.progress import progress
from mizzen.cli.show import table
from mizzen.errors import UserError

if TYPE_CHECKING:
    from mizzen.state.records import RequestRecord

app, command = command_app("mizzen retrain --request --cause merge --key $(git rev-parse HEAD)")


@command
def retrain(
    context: CommandContext,
    cause: Annotated[
        str, typer.Option(help="person, schedule, data, merge, drift or quality.")
    ] = "person",
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            help="Id of the event, such as a commit's hash; one key never starts two runs.",
        ),
    ] = None,
    request: Annotated[
        bool,
        typer.Option(
            "--request",
            help="Only store it: the controller, or the next drift --act, asks the guard and "
            "trains. The same key again shows what was decided.",
        ),
    ] = False,
    note: Annotated[
        str | None, typer.Option("--reason", help="Kept with a --request for people to read.")
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
    requests: Annotated[
        bool, typer.Option("--requests", help="Show the newest stored requests; starts nothing.")
    ] = False,
) -> None:
    """Train again on the newest window, if the guard allows; either is kept with its reason."""
    _one_wish(
        {
            "--history": history,
            "--requests": requests,
            "--reset": reset,
            "--unfreeze": unfreeze,
            "a retraining": request or cause != "person" or bool(key or until),
        }
    )
    if request or note is not None:
        if until is not None or not request:
            raise UserError(
                "--until and --reason do not go together with this",
                given="--until" if request else "--reason without --request",
                allowed="--request with --cause, --key and --reason: its answer has its own time",
                next_step="leave it out",
            )
        _show_requests(context, [context.project.request_retraining(cause, key, note or "")])
        return
    if requests:
        _show_requests(context, context.project.retraining_requests())
        return
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
        result = context.project.retrain(cause=cause, key=key, until=until, on_event=on_event)
    if result.run is None:
        decision = result.decision
        context.answer(
            {"decision": decision, "run": None},
            lambda: context.say(f"not retrained ({decision.rule}): {decision.reason}"),
        )
        return
    finish(context, context.project.run_info(result.run.id))


def _show_requests(context: CommandContext, found: Sequence[RequestRecord]) -> None:
    columns = ("asked", "key", "cause", "by", "state", "rule", "run", "reason")
    rows = []
    for each in found:
        decided = each.decision
        told = (None,) * 3 if decided is None else (decided.rule, decided.run, decided.reason)
        rows.append((f"{each.at:%F %T}", each.key, each.cause, each.by, each.state, *told))
    context.answer({"requests": found}, lambda: table(context, columns, rows))


def _one_wish(wishes: Mapping[str, bool]) -> None:
    """Raises UserError for two at once: the second would be passed over."""
    given = [name for name, wished in wishes.items() if wished]
    if len(given) > 1:
        raise UserError(
            "one call does one thing",
            given=" and ".join(given),
            allowed="--history, --requests, --reset or --unfreeze alone, or a retraining without "
            "them",
            next_step="call it once for each",
        )
