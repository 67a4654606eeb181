"""`mizzen features ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from mizzen.cli.context import CommandContext, as_command, group_app
from mizzen.cli.show import table

app = group_app("Feature views: their versions in the feature store, and who needs them.")


@as_command(app, "list", "mizzen features list")
def list_features(context: CommandContext) -> None:
    """Every version of every view: how far its values reach, and which models need it."""
    found = context.project.feature_versions()

    def show() -> None:
        rows = (
            (
                one.declared.view,
                one.declared.version,
                "" if one.declared.ends is None else f"{one.declared.ends:%F %T}",
                f"{one.declared.at:%F %T}",
                ", ".join(map(str, one.needed_by)) or "none",
            )
            for one in found
        )
        table(context, ("view", "its version", "values until", "declared", "needed by"), rows)

    context.answer({"views": found}, show)


@as_command(app, "refresh", "mizzen features refresh --version 2")
def refresh(
    context: CommandContext,
    version: Annotated[
        int | None, typer.Option("--version", help="A version's number; the champion if absent.")
    ] = None,
) -> None:
    """Compute a version's features anew by its own code, and load them online: after a rollback
    no training does."""
    found = context.project.refresh_features(version)

    def show() -> None:
        for view in found:
            reach = "hold nothing" if view.ends is None else f"reach {view.ends:%F %T}"
            context.say(f"values of view {view.view} ({view.version}) {reach}")
        if not found:
            context.say("the version uses no feature view")

    context.answer({"views": found}, show)


@as_command(app, "prune", "mizzen features prune --older-than 30d")
def prune(
    context: CommandContext,
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than", help="How long no run declared them: a number with s, m, h or d."
        ),
    ] = "30d",
) -> None:
    """Remove versions of views that no registered version needs: definitions, histories and
    online values. Whatever may be promoted keeps what it needs."""
    found = context.project.prune_features(older_than)

    def show() -> None:
        for view in found:
            context.say(f"removed version {view.version} of view {view.view}")
        context.say(f"{len(found)} removed")

    context.answer({"removed": found}, show)
