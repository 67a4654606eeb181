"""Executes a run that `submit.execute_detached` handed over.

`python -m mizzen.control.runs.background FOLDER PROFILE RUN LOCK HOLDER EPOCH`. Its output goes to
`control.log` in the run's folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mizzen.control.runs.submit import execute, prepare_resume
from mizzen.control.workspace import open_workspace
from mizzen.core.runs import RunState
from mizzen.errors import MizzenError, StepFailed
from mizzen.state.records import Lease, lease_name
from mizzen.streams import guard_streams


def main(folder: str, profile: str, run_id: str, descriptor: str, holder: str, epoch: str) -> int:
    """Carry the run out; the exit code is the one of `mizzen run`."""
    try:
        workspace = open_workspace(Path(folder), profile)
        lease = Lease(lease_name(run_id), holder, int(epoch))
        run = execute(prepare_resume(workspace, run_id, int(descriptor), lease))
    except MizzenError as error:
        print(error, file=sys.stderr)  # noqa: T201 (the run's control log)
        return error.exit_code
    return 0 if run.state is RunState.SUCCEEDED else StepFailed.exit_code


if __name__ == "__main__":
    guard_streams()
    sys.exit(main(*sys.argv[1:7]))
