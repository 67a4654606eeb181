"""`mizzen windows`."""

from __future__ import annotations

from mizzen.cli.context import CommandContext, command_app
from mizzen.cli.show import table

app, command = command_app("mizzen windows")


@command
def windows(context: CommandContext) -> None:
    """What was watched, and what was decided about each alarm."""
    found = context.project.windows()
    decisions = {decision.id: decision for decision in context.project.decisions()}

    def show() -> None:
        rows = []
        for window in found:
            start = "the beginning" if window.start is None else f"{window.start:%F %T}"
            answer = decisions.get(window.handled_by or 0)
            told = "" if answer is None else f"{'go' if answer.go else 'no'}: {answer.reason}"
            until, over = f"{window.end:%F %T}", window.founded
            rows.append((window.kind, start, until, window.version, over, window.verdict, told))
        columns = ("kind", "from", "until", "version", "over", "found", "decided")
        table(context, columns, rows)

    context.answer({"windows": found, "decisions": list(decisions.values())}, show)
