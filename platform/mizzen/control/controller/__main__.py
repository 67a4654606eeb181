"""`python -m mizzen.control.controller FOLDER PROFILE [PARENT]`: the controller of a stack.

With `PARENT`, a process number, it ends when that process does.
"""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from mizzen.adapters.local_runner.processes import die_with_parent
from mizzen.control.controller.loop import run_controller
from mizzen.control.workspace import open_workspace
from mizzen.errors import MizzenError
from mizzen.streams import guard_streams


def main(folder: str, profile: str, parent: str | None = None) -> int:
    """Until SIGTERM."""
    try:
        if parent is not None and sys.platform.startswith("linux"):
            die_with_parent(int(parent), signal.SIGTERM)
        run_controller(open_workspace(Path(folder), profile), tell)
    except MizzenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def tell(text: str) -> None:
    """One line of the log."""
    sys.stdout.write(f"{datetime.now(UTC):%FT%TZ} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    guard_streams()
    sys.exit(main(*sys.argv[1:4]))
