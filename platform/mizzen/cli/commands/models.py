"""`mizzen models ...`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mizzen.cli.context import CommandContext, as_command, group_app
from mizzen.cli.progress import short
from mizzen.cli.show import comparison_rows, table
from mizzen.cli.umask import usual

if TYPE_CHECKING:
    from mizzen.control.runs.compare import Comparison

app = group_app("Model versions: what was registered, what is the champion and why.")
Version = Annotated[int, typer.Argument(help="A version's number.", metavar="VERSION")]


@as_command(app, "list", "mizzen models list")
def list_models(context: CommandContext) -> None:
    """Every registered version, the champion marked."""
    found, champion = context.project.models(), context.project.champion()
    number = None if champion is None else champion.version
    forced = {p.version for p in context.project.promotions() if p.forced}

    def show() -> None:
        rows = (
            (
                f"{m.number} *" if m.number == number else m.number,
                f"{m.metric} {short(m.value)}",
                m.champion,
                _gate(m.blessed) + (", forced by a person" if m.number in forced else ""),
                m.reason,
                m.run,
            )
            for m in found
        )
        table(context, ("version", "metric", "against", "gate", "reason", "run"), rows)
        context.say("* is the champion" if number is not None else "there is no champion")

    context.answer({"versions": found, "champion": champion}, show)


@as_command(app, "show", "mizzen models show 2")
def show_model(context: CommandContext, version: Version) -> None:
    """One version: its verdict, its run, its promotions."""
    project = context.project

    found = project.workspace.state.models.get_version(project.name, version)
    promotions = [p for p in project.promotions() if p.version == version]
    measured = [(run.id, run.figures.get("evaluate", {})) for run in project.evaluations(version)]

    def show() -> None:
        context.say(f"version {found.number} of {project.name}, registered by run {found.run}")
        context.say(f"  {found.metric}: {short(found.value)}")
        if found.champion is not None:
            context.say(
                f"  version {found.champion} on the same rows: {short(found.champion_value)}"
            )
        context.say(f"  gate: {_gate(found.blessed)}: {found.reason}")
        for run, told in measured:
            if run != found.run and told:
                value = f"{told['metric']} {short(told['value'])}"
                context.say(f"  evaluated again by run {run}: {value}: {told['reason']}")
        for promotion in promotions:
            how = "forced" if promotion.forced else "promoted"
            context.say(f"  {how} at {promotion.at:%F %T} by {promotion.by}: {promotion.reason}")

    document = {
        "version": found,
        "promotions": promotions,
        "evaluations": [{"run": run, **told} for run, told in measured if told],
        "figures": project.run_info(found.run).figures,
    }
    context.answer(document, show)


@as_command(app, "promote", "mizzen models promote 1 --reason 'version 2 answers too slowly'")
def promote(
    context: CommandContext,
    version: Version,
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")] = "",
    force: Annotated[
        bool,
        typer.Option("--force", help="Also a version that the gate held; needs a reason."),
    ] = False,
) -> None:
    """Make a version the champion; an older one is a rollback, after which nothing but a person
    retrains for `retraining.freeze`."""
    champion = context.project.champion()
    found = context.project.promote(version, reason=reason, force=force)
    stood = champion is not None and champion.id == found.id
    before = "" if found.previous is None else f" (before: version {found.previous})"

    def show() -> None:
        if stood:
            since = f"since {found.at:%F %T}, by {found.by}: {found.reason}"
            context.say(
                f"version {found.version} is the champion already, {since}; nothing changed"
            )
            return
        context.say(f"version {found.version} is the champion{before}")
        freeze = context.project.workspace.spec.retraining.freeze
        if found.is_rollback and freeze is not None:
            context.say(f"retraining is frozen for {freeze}; lift it: mizzen retrain --unfreeze")
        for note in context.project.notes_on_features(found.version, fetch=True):
            context.say(f"note: {note}")

    context.answer(found, show)


@as_command(app, "register", "mizzen models register 20261121-1 --promote --reason 'judged by eye'")
def register(
    context: CommandContext,
    run: Annotated[str, typer.Argument(help="A run's id, or the beginning of it.", metavar="RUN")],
    promote: Annotated[
        bool,
        typer.Option("--promote", help="Make it the champion, whatever the gate said."),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why it is promoted; kept in the history.")] = "",
) -> None:
    """Make a version of what a finished run trained, also of one that the gate held."""
    found = context.project.register(run, promote=promote, reason=reason)

    def show() -> None:
        how = "is" if found.known else "is registered as"
        context.say(f"the model of run {found.run} {how} version {found.version}")
        if found.promotion is not None:
            forced = ", forced" if found.promotion.forced else ""
            context.say(f"version {found.version} is the champion{forced}")
        else:
            force = "" if found.blessed else " --force --reason '...'"
            context.say(f"to promote it: mizzen models promote {found.version}{force}")

    context.answer(found, show)


@as_command(app, "history", "mizzen models history --json")
def history(context: CommandContext) -> None:
    """Every promotion, oldest first."""
    found = context.project.promotions()
    rows = [
        (f"{p.at:%F %T}", p.version, p.previous, p.by, "forced" if p.forced else "", p.reason)
        for p in found
    ]
    columns = ("at", "version", "before", "by", "", "reason")
    context.answer({"promotions": found}, lambda: table(context, columns, rows))


@as_command(app, "compare", "mizzen models compare 1 2 3")
def compare(
    context: CommandContext,
    versions: Annotated[
        list[int], typer.Argument(help="Two or more numbers of versions.", metavar="VERSION...")
    ],
) -> None:
    """What differs between versions."""
    show_comparison(context, context.project.compare(*versions))


@as_command(app, "package", "mizzen models package 2 --into bentos")
def package(
    context: CommandContext,
    version: Annotated[int | None, typer.Argument(help="Defaults to the champion.")] = None,
    into: Annotated[Path | None, typer.Option(help="The folder to write to.")] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="A torch model as ONNX, to be served without torch.")
    ] = False,
) -> None:
    """Pack a version as a Bento that runs by itself."""
    with usual():
        folder = context.project.package(version, into, onnx)
    context.answer({"bento": folder}, lambda: context.say(f"packed: {folder}"))


@as_command(app, "export", "mizzen models export 2")
def export(
    context: CommandContext,
    version: Annotated[int | None, typer.Argument(help="Defaults to the champion.")] = None,
) -> None:
    """Register a torch model's ONNX variant, which images without torch serve."""
    number = context.project.export_onnx(version)
    said = f"version {number} has an ONNX variant in the registry"
    context.answer({"version": number, "variant": "onnx"}, lambda: context.say(said))


def _gate(blessed: bool) -> str:
    return "blessed" if blessed else "held"


def show_comparison(context: CommandContext, found: Comparison) -> None:
    """Description, arguments and figures side by side."""

    def show() -> None:
        parts = {
            "description": found.description,
            "arguments": found.arguments,
            "figures": found.figures,
        }
        columns = ("", *found.names, *(["change"] if len(found.names) == 2 else []))
        for name, values in parts.items():
            context.say(f"{name}:" if values else f"{name}: no difference")
            if values:
                table(context, columns, comparison_rows(values))

    context.answer(found, show)
