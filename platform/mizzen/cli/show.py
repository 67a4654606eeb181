"""Tables and summaries for people; JSON is made elsewhere, from the same values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mizzen.cli.progress import figures_text, seconds_text, short
from mizzen.core.runs import RunState

if TYPE_CHECKING:
    from mizzen.cli.context import CommandContext
    from mizzen.control.runs.listing import RunSummary
    from mizzen.project import Project, Run


_CELL = 48


def table(
    context: CommandContext, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """A plain table."""
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    context.console.print(drawn)


RUN_COLUMNS = (
    "run", "title", "state", "started", "took", "trigger", "metric", "verdict", "version",
    "parameters",
)  # fmt: skip


def run_rows(runs: Iterable[RunSummary]) -> Iterable[Sequence[object]]:
    """One row a run, for `runs list`; see `RUN_COLUMNS`."""
    for run in runs:
        took = None if run.ended_at is None else (run.ended_at - run.created_at).total_seconds()
        yield (
            run.id,
            run.title,
            run.state.value,
            f"{run.created_at:%Y-%m-%d %H:%M:%S}",
            seconds_text(took),
            run.trigger,
            _measured(run),
            run.verdict if run.same_as is None else f"same as version {run.same_as}",
            run.version,
            ", ".join(f"{name}={short(value)}" for name, value in run.overrides.items()),
        )


def _measured(run: RunSummary) -> str | None:
    if run.metric is None:
        return None
    return f"no {run.metric}" if run.value is None else f"{run.metric} {short(run.value)}"


def step_rows(run: Run) -> Iterable[Sequence[object]]:
    """One row a step, for `runs show`."""
    for step in run.steps:
        told = step.error.get("message", "") if step.error else figures_text(step.figures)
        yield step.name, step.state.value, seconds_text(step.seconds), told


def ending(project: Project, run: Run) -> list[str]:
    """How a run ended, in sentences."""
    record = run.record
    lines = [f"run {record.id} {record.state.value}"]
    if record.state is not RunState.SUCCEEDED or record.kind != "training":
        return lines
    verdict = run.figures.get("evaluate", {})
    champion = project.champion()
    if record.version is None:
        return [*lines, f"the gate refused the model: {verdict.get('reason', 'no reason given')}"]
    lines.append(
        f"registered as version {record.version}: {verdict.get('reason', '')}".rstrip(": ")
    )
    if not verdict.get("blessed"):
        force = f"mizzen models promote {record.version} --force --reason '...'"
        lines.append(f"not promoted; a person may decide otherwise: {force}")
    elif champion is not None and champion.version == record.version:
        lines.append(f"version {record.version} is the champion")
    elif champion is not None and champion.version != record.champion:
        against = "no champion" if record.champion is None else f"version {record.champion}"
        lines.append(
            f"not promoted: it was judged against {against}, but version {champion.version} is the "
            f"champion by now; to insist: mizzen models promote {record.version}"
        )
    else:
        lines.append(f"not promoted; to do it: mizzen models promote {record.version}")
    return lines


def run_document(project: Project, run: Run) -> dict[str, Any]:
    """A run for `--json`."""
    record = run.record
    champion = project.champion()
    return {
        "run": record,
        "steps": run.steps,
        "verdict": run.figures.get("evaluate"),
        "version": record.version,
        "champion": None if champion is None else champion.version,
    }


def comparison_rows(each: Mapping[str, Sequence[Any]]) -> Iterable[Sequence[object]]:
    """Name and values; of two the difference too, where they are numbers."""
    for name, values in each.items():
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        change = [f"{values[1] - values[0]:+.4g}" if numbers else ""] if len(values) == 2 else []
        yield name, *map(_cell, values), *change


def _cell(value: Any) -> str:
    # they stand beside each other; the whole text is in the JSON document
    text = short(value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"
