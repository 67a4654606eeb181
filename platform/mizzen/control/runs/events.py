"""Step events and outcomes as lines of JSON, for the process that tracks a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mizzen.core.runs import Outcome, RunState, StepEvent, StepState
from mizzen.state.records import to_jsonable


def event_document(event: StepEvent) -> dict[str, Any]:
    """One event, JSON-ready."""
    found: dict[str, Any] = to_jsonable(event)
    return found


def read_event(found: Mapping[str, Any]) -> StepEvent:
    """The inverse of `event_document`."""
    artifacts = {name: Path(path) for name, path in found["artifacts"].items()}
    at, state = datetime.fromisoformat(found["at"]), StepState(found["state"])
    return StepEvent(**{**found, "at": at, "state": state, "artifacts": artifacts})


def read_outcome(found: Mapping[str, Any]) -> Outcome:
    """An outcome from its document."""
    steps = {name: read_event(event) for name, event in found["steps"].items()}
    return Outcome(found["run_id"], RunState(found["state"]), steps)


def line(kind: str, content: Any) -> bytes:
    """One message."""
    return json.dumps([kind, to_jsonable(content)]).encode() + b"\n"
