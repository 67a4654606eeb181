"""`mizzen demo`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from mizzen.cli.door import Door, command_app
from mizzen.cli.progress import figures_text, progress, seconds_text
from mizzen.core.runs import StepEvent
from mizzen.errors import NotFound

if TYPE_CHECKING:
    from mizzen.control.story import Told

app, command = command_app("mizzen demo --down")


@command
def demo(
    door: Door,
    name: Annotated[
        str, typer.Argument(help="An example; --project tells another story.")
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
    """Tell a project's story (demo.yaml): train, judge, serve, replay, watch, retrain."""
    from mizzen.control.story import tell_story

    if not door.named:
        door.folder = _example(name)
    project = door.project
    if fresh:
        _forget(door)
    stays = sys.stdout.isatty() if keep is None else keep
    try:
        with _Stage(door) as stage:
            told = tell_story(project.workspace, stage.tell, stage.watch)
    finally:
        if not stays:
            project.down()
    summary = _summary(door, told)
    door.answer({"steps": told, "summary": summary}, lambda: _show(door, summary))


class _Stage:
    """Shows each step of the story with the runs within it."""

    def __init__(self, door: Door) -> None:
        self._door, self._open = door, ExitStack()
        self._watch: Callable[[StepEvent], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def watch(self, event: StepEvent) -> None:
        """One change of a run's step."""
        if self._watch is not None:
            self._watch(event)

    def tell(self, told: Told) -> None:
        """A step begins or has ended; the live table is its own."""
        self._open.close()
        _tell(self._door, told)
        if told.state == "begun":
            self._watch = self._open.enter_context(progress(self._door))


def _example(name: str) -> Path:
    from importlib.util import find_spec

    spec = find_spec("mizzen_pipelines")
    root = Path(next(iter(spec.submodule_search_locations or ())) if spec else ".").parent
    known = sorted(file.parent.name for file in (root / "examples").glob("*/demo.yaml"))
    if name not in known:
        raise NotFound(
            f"no example {name!r} with a story",
            given=root / "examples",
            allowed=", ".join(known) or "none is installed here",
            next_step="name a project's folder: mizzen demo --project DIR",
        )
    return root / "examples" / name


def _forget(door: Door) -> None:
    import shutil

    project = door.project
    project.down()
    shutil.rmtree(project.workspace.place.home, ignore_errors=True)
    del door.project  # opened anew


def _tell(door: Door, told: Told) -> None:
    number = f"[{told.position + 1}/{told.steps}]"
    if told.state == "begun":
        door.say(typer.style(f"{number} {told.title}", bold=True))
        return
    took = "reused" if told.state == "reused" else seconds_text(told.seconds)
    plain = {
        k: v for k, v in told.result.items() if isinstance(v, str | int | float) and k != "verdict"
    }
    door.say(f"      {told.kind} {took}  {figures_text(plain)}")
    if told.result.get("verdict"):
        door.say(f"      gate: {told.result['verdict']}")
    for reason in told.result.get("decisions", ()):
        door.say(f"      decision: {reason}")


def _summary(door: Door, told: list[Told]) -> dict[str, Any]:
    project = door.project
    status, champion = project.status(), project.champion()
    return {
        "versions": project.models(),
        "champion": champion,
        "reports": sorted({r for one in told for r in one.result.get("reports", ())}),
        "page": status.page,
        "service": status.service,
        "curl": _curl(status.service, told),
        "folder": project.folder,
    }


def _curl(address: str | None, told: list[Told]) -> str | None:
    """One line that works: the last replayed row, asked again."""
    if address is None:
        return None
    rows = [one.result["example"] for one in told if one.result.get("example")]
    if not rows:
        return f"curl -s {address}/openapi.json"
    body = json.dumps({"rows": rows[-1:]}).replace("'", "'\\''")
    return f"curl -s {address}/predict -H 'content-type: application/json' -d '{body}'"


def _show(door: Door, summary: dict[str, Any]) -> None:
    champion = summary["champion"]
    door.say("")
    for version in summary["versions"]:
        door.say(
            f"version {version.number}: {version.metric} {version.value:.4f}; {version.reason}"
        )
    if champion is not None:
        door.say(f"champion: version {champion.version}, because {champion.reason}")
    for report in summary["reports"]:
        door.say(f"report: {report}")
    door.say(f"details: mizzen status --project {summary['folder']}")
    if summary["service"] is None:
        door.say(f"the stack is down; start it: mizzen up --project {summary['folder']}")
        return
    door.say(f"MLflow's page: {summary['page']}")
    door.say(f"predictions: {summary['service']}")
    door.say(summary["curl"])
    door.say(f"stop it: mizzen down --project {summary['folder']}")
