"""Drivers and controllers killed at any moment leave one champion, and no run lost or doubled."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mizzen.control.workspace import Workspace
from mizzen_tests.soak import examples

SCRIPT = Path(__file__).parent / "tiny" / "killed_rounds.py"
PROFILE = """
apiVersion: mizzen.dev/v1
kind: Profile
lease: 1s
tracking: {runs: false, port: 0}
serving: {port: 0}
"""


@pytest.mark.soak
@pytest.mark.slow
def test_whatever_was_killed_one_round_makes_everything_follow(
    workspace: Workspace, registered: Path
) -> None:
    shutil.copytree(registered, workspace.place.home, dirs_exist_ok=True)
    (workspace.folder / "profiles" / "local.yaml").write_text(PROFILE)
    trials = examples(5, 200)
    words = [str(SCRIPT), str(workspace.folder), "20261128", str(trials)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == trials
    assert any(killed for trial in found for killed in trial["killed"])
    for before, after in itertools.pairwise([None, *found]):
        _hold(before, after)


def _hold(before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    assert after is not None
    where = after["moments"]
    assert set(after["runs"].values()) <= {"succeeded", "interrupted"}, where
    assert set(after["runs"]) <= set(after["folders"]), where
    # one champion after the other, each in place of the one before; the alias is the last one's
    versions = [version for _, version in after["history"]]
    assert [previous for previous, _ in after["history"]] == [None, *versions[:-1]], where
    assert after["alias"] == versions[-1], where
    if before is not None:
        added = set(after["runs"]) - set(before["runs"])
        assert len(added) <= 1, where
        assert set(before["runs"]) <= set(after["runs"]), where
        assert after["history"][: len(before["history"])] == before["history"], where
        promoted = len(after["history"]) - len(before["history"])
        assert promoted <= len(added), where
        ended = [after["runs"][run] for run in added]
        if not after["killed"][0]:
            assert ended == ["succeeded"], where
        if "succeeded" in ended:  # no blessed model is left that nobody promoted
            assert promoted == 1, where
