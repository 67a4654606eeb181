"""`mizzen demo`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.progress import figures_text, progress, seconds_text
from mizzen.core.runs import StepEvent
from mizzen.errors import NotFound

if TYPE_CHECKING:
    from mizzen.control.demo.script import DemoEvent

app, command = command_app("mizzen demo --down")


@command
def demo(
    context: CommandContext,
    name: Annotated[
        str, typer.Argument(help="An example; --project runs the demo of another project.")
    ] = "flights",
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--down",
            help="Leave the stack running at the end; by default only on a terminal.",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="From the beginning: forgets all runs of the project.")
    ] = False,
) -> None:
    """Run a project's demo (demo.yaml): train, judge, serve, replay, watch, retrain."""
    from mizzen.control.demo.script import run_demo

    if not context.named:
        context.folder = _example(name)
    project = context.project
    if fresh:
        _forget(context)
    stays = sys.stdout.isatty() if keep is None else keep
    try:
        with _Stage(context) as stage:
            events = run_demo(project.workspace, stage.on_step, stage.on_event)
    finally:
        if not stays:
            project.down()
    summary = _summary(context, events)
    context.answer({"steps": events, "summary": summary}, lambda: _show(context, summary))


class _Stage:
    """Shows each step of the demo with the runs within it."""

    def __init__(self, context: CommandContext) -> None:
        self._context, self._open = context, ExitStack()
        self._on_event: Callable[[StepEvent], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def on_event(self, event: StepEvent) -> None:
        """One change of a run's step."""
        if self._on_event is not None:
            self._on_event(event)

    def on_step(self, event: DemoEvent) -> None:
        """A step begins or has ended; the live table is its own."""
        self._open.close()
        _show_step(self._context, event)
        if event.state == "begun":
            self._on_event = self._open.enter_context(progress(self._context))


def _example(name: str) -> Path:
    from importlib.util import find_spec

    spec = find_spec("mizzen_pipelines")
    root = Path(next(iter(spec.submodule_search_locations or ())) if spec else ".").parent
    known = sorted(file.parent.name for file in (root / "examples").glob("*/demo.yaml"))
    if name not in known:
        raise NotFound(
            f"no example {name!r} with a demo",
            given=root / "examples",
            allowed=", ".join(known) or "none is installed here",
            next_step="name a project's folder: mizzen demo --project DIR",
        )
    return root / "examples" / name


def _forget(context: CommandContext) -> None:
    import shutil

    project = context.project
    project.down()
    shutil.rmtree(project.workspace.place.home, ignore_errors=True)
    del context.project  # opened anew


def _show_step(context: CommandContext, event: DemoEvent) -> None:
    number = f"[{event.position + 1}/{event.steps}]"
    if event.state == "begun":
        context.say(typer.style(f"{number} {event.title}", bold=True))
        return
    took = "reused" if event.state == "reused" else seconds_text(event.seconds)
    plain = {
        k: v for k, v in event.result.items() if isinstance(v, str | int | float) and k != "verdict"
    }
    context.say(f"      {event.kind} {took}  {figures_text(plain)}")
    if event.result.get("verdict"):
        context.say(f"      gate: {event.result['verdict']}")
    for reason in event.result.get("decisions", ()):
        context.say(f"      decision: {reason}")


def _summary(context: CommandContext, events: list[DemoEvent]) -> dict[str, Any]:
    project = context.project
    status, champion = project.status(), project.champion()
    return {
        "versions": project.models(),
        "champion": champion,
        "reports": sorted({r for one in events for r in one.result.get("reports", ())}),
        "page": status.page,
        "service": status.service,
        "curl": _curl(status.service, events),
        "folder": project.folder,
    }


def _curl(address: str | None, events: list[DemoEvent]) -> str | None:
    """One line that works: the last replayed row, asked again."""
    if address is None:
        return None
    rows = [one.result["example"] for one in events if one.result.get("example")]
    if not rows:
        return f"curl -s {address}/openapi.json"
    body = json.dumps({"rows": rows[-1:]}).replace("'", "'\\''")
    return f"curl -s {address}/predict -H 'content-type: application/json' -d '{body}'"


def _show(context: CommandContext, summary: dict[str, Any]) -> None:
    champion = summary["champion"]
    context.say("")
    for version in summary["versions"]:
        context.say(
            f"version {version.number}: {version.metric} {version.value:.4f}; {version.reason}"
        )
    if champion is not None:
        context.say(f"champion: version {champion.version}, because {champion.reason}")
    for report in summary["reports"]:
        context.say(f"report: {report}")
    context.say(f"details: mizzen status --project {summary['folder']}")
    if summary["service"] is None:
        context.say(f"the stack is down; start it: mizzen up --project {summary['folder']}")
        return
    context.say(f"MLflow's page: {summary['page']}")
    context.say(f"predictions: {summary['service']}")
    context.say(summary["curl"])
    context.say(f"stop it: mizzen down --project {summary['folder']}")
