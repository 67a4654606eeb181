"""What the stack leaves on disk, below `<home>/stack`: how others find and stop it.

Every process of the stack holds `alive.lock`, so whether anything of it still runs is known
for sure, and the process group written beside it is used only while that is so.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.files.folders import make_home
from mizzen.adapters.files.locks import is_locked, take
from mizzen.control.workspace import Workspace


class StackFiles:
    """The folder of one project's stack."""

    def __init__(self, workspace: Workspace) -> None:
        self.folder = workspace.place.home / "stack"
        self.lock = self.folder / "alive.lock"
        self._status = self.folder / "status.json"

    def take(self) -> int | None:
        """A descriptor that holds the stack, to be inherited by its processes; None when a
        process of the stack runs already."""
        make_home(self.folder.parent)
        self.folder.mkdir(exist_ok=True)
        return take(self.lock)

    def alive(self) -> bool:
        """Whether any process of the stack runs."""
        return is_locked(self.lock)

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace what the supervisor says about itself."""
        replace_text(self._status, json.dumps(dict(status), indent=1))

    def status(self) -> dict[str, Any]:
        """What the supervisor said last; empty when nothing of the stack runs."""
        if not self.alive():
            return {}
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._status.read_text(encoding="utf-8"))
            return dict(found)
        return {}

    def clear(self) -> None:
        """Forget an earlier stack's words."""
        self._status.unlink(missing_ok=True)
