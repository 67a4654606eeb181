"""A run while it happens: a live table on a terminal, a line for each finished step elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mizzen.core.runs import StepEvent, StepState

if TYPE_CHECKING:
    from rich.table import Table

    from mizzen.cli.context import CommandContext

_FIGURES = 4
_MARKS = {
    StepState.PENDING: ("·", "dim"),
    StepState.RUNNING: ("…", "yellow"),
    StepState.CACHED: ("=", "cyan"),
    StepState.SUCCEEDED: ("✓", "green"),
    StepState.SKIPPED: ("-", "dim"),
    StepState.FAILED: ("✗", "red"),
    StepState.CANCELLED: ("■", "red"),
}


@contextmanager
def progress(context: CommandContext) -> Iterator[Callable[[StepEvent], None]]:
    """Shows the events that the yielded function is called with."""
    stream = sys.stderr if context.as_json else sys.stdout
    if not stream.isatty():
        yield lambda event: _line(context, event)
        return
    from rich.live import Live

    shown: dict[str, StepEvent] = {}
    with Live(
        get_renderable=lambda: _table(shown), console=context.console, refresh_per_second=8
    ) as live:

        def on_event(event: StepEvent) -> None:
            shown[event.step] = event
            if event.state not in {StepState.PENDING, StepState.RUNNING}:
                live.refresh()

        yield on_event


def figures_text(figures: Mapping[str, Any]) -> str:
    """Key figures as one short line."""
    return "  ".join(f"{name}={short(value)}" for name, value in list(figures.items())[:_FIGURES])


def short(value: Any) -> str:
    """One figure for a table's cell."""
    if isinstance(value, bool) or value is None:
        return "-" if value is None else str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    # a hash is told apart by its beginning
    return f"{text[:10]}…" if len(text) >= 32 and " " not in text else text[:120]


def seconds_text(seconds: float | None) -> str:
    """A duration for people."""
    if seconds is None:
        return ""
    return f"{seconds:.2f} s" if seconds < 60 else f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def _line(context: CommandContext, event: StepEvent) -> None:
    if event.state in {StepState.PENDING, StepState.RUNNING}:
        return
    parts = [f"{event.step:<12} {event.state.value:<10} {seconds_text(event.seconds):>10}"]
    if event.error:
        parts.append(str(event.error.get("message", "")))
    else:
        parts.append(figures_text(event.figures))
    context.say("  ".join(parts).rstrip())


def _table(shown: Mapping[str, StepEvent]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), show_header=False)
    now = datetime.now(UTC)
    for name, event in shown.items():
        mark, style = _MARKS[event.state]
        running = event.state is StepState.RUNNING
        seconds = (now - event.at).total_seconds() if running else event.seconds
        told = event.error.get("message", "") if event.error else figures_text(event.figures)
        table.add_row(
            f"[{style}]{mark}[/]",
            escape(name),
            f"[{style}]{event.state.value}[/]",
            seconds_text(seconds),
            escape(str(told)),
        )
    return table
