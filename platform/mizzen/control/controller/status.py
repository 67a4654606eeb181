"""What the leading controller said last, below `<home>/controller`, for `mizzen status`.

Nothing depends on it but the time of the last look at the log, which a controller that is started
again reads, so that it does not look at once.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.files.folders import make_home
from mizzen.control.controller.leadership import lease_of
from mizzen.control.controller.round import Memory, RoundResult
from mizzen.control.workspace import Workspace
from mizzen.state.records import to_jsonable

_KEPT = 20  # effects that are told


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that the controller did."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What a part of the round meets. `again`: when it is tried again."""

    part: str
    what: str
    since: datetime
    again: datetime


@dataclass(frozen=True, slots=True)
class ControllerStatus:
    """`leader`: machine and process of the one that leads, None where none does. The rest is
    known where the leader is of this home: what it did, last first; what it waits for; what it
    meets; when its last round began."""

    leader: str | None = None
    at: datetime | None = None
    did: tuple[Effect, ...] = ()
    waits: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class StatusFile:
    """The file, for the controller that leads."""

    def __init__(self, workspace: Workspace) -> None:
        self._file = workspace.place.home / "controller" / "status.json"
        self._did: deque[Effect] = deque(maxlen=_KEPT)

    def recall(self) -> Memory:
        """What an earlier controller of this home left."""
        known = self._read()
        with suppress(LookupError, TypeError, ValueError):
            for effect in reversed(known["did"]):
                at = datetime.fromisoformat(effect["at"])
                self._did.appendleft(Effect(at, str(effect["what"])))
            return Memory(looked=datetime.fromisoformat(known["looked"]), version=known["version"])
        return Memory()

    def write(self, driver: str, now: datetime, result: RoundResult, memory: Memory) -> None:
        """Keep what a round did."""
        self._did.extendleft(Effect(now, what) for what in result.did)
        document = {
            "driver": driver,
            "at": now,
            "did": list(self._did),
            "waits": result.waits,
            "problems": [
                Problem(part, trouble.text, trouble.since, trouble.again)
                for part, trouble in memory.troubles.items()
            ],
            "looked": memory.looked if memory.look is None else None,
            "version": memory.version,
        }
        if not self._file.parent.exists():
            make_home(self._file.parent.parent)
            self._file.parent.mkdir(exist_ok=True)
        replace_text(self._file, json.dumps(to_jsonable(document), indent=1))

    def read(self, driver: str) -> ControllerStatus:
        """What the leader said, if it is the one that wrote the file."""
        known = self._read()
        if known.get("driver") != driver:
            return ControllerStatus(driver)
        return ControllerStatus(
            driver,
            datetime.fromisoformat(known["at"]),
            tuple(Effect(datetime.fromisoformat(e["at"]), e["what"]) for e in known["did"]),
            tuple(known["waits"]),
            tuple(_problem(each) for each in known["problems"]),
        )

    def _read(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            return dict(json.loads(self._file.read_text(encoding="utf-8")))
        return {}


def controller_status(workspace: Workspace) -> ControllerStatus:
    """Who leads, and what it said last."""
    lease = workspace.state.leases.get(lease_of(workspace.spec.name))
    if lease is None or not lease.driver or lease.seconds_left <= 0:
        return ControllerStatus()
    return StatusFile(workspace).read(lease.driver)


def _problem(told: Mapping[str, Any]) -> Problem:
    since, again = (datetime.fromisoformat(told[name]) for name in ("since", "again"))
    return Problem(told["part"], told["what"], since, again)
