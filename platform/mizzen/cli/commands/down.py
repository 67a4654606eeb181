"""`mizzen down`."""

from __future__ import annotations

from mizzen.cli.door import Door, command_app

app, command = command_app("mizzen down")


@command
def down(door: Door) -> None:
    """Stop what `mizzen up` started; leaves nothing running."""
    stopped = door.project.down()
    door.answer({"stopped": stopped}, lambda: door.say("stopped" if stopped else "nothing ran"))
