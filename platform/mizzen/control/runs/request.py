"""What somebody asked to run, and the file that lets any process carry it out or resume it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mizzen.errors import NotFound
from mizzen.spec.project import ProjectSpec

FILE = "request.json"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """`kind`: training or batch-inference. `start`/`end`: the window of event times, half
    open. `trigger`: person, drift, quality, data, schedule or merge."""

    kind: str = "training"
    title: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None
    trigger: str = "person"
    cache: bool = True
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubmittedRun:
    """A submitted run as its folder tells it: the whole description, so that a later edit of
    mizzen.yaml does not change what a resumed run does."""

    kind: str
    spec: ProjectSpec
    arguments: Mapping[str, Any]
    cache: bool

    def write(self, folder: Path) -> None:
        """Keep it in the run's folder."""
        content = {
            "kind": self.kind,
            "project": self.spec.model_dump(mode="json", by_alias=True),
            "arguments": dict(self.arguments),
            "cache": self.cache,
        }
        fresh = folder / f".{FILE}.{uuid.uuid4().hex}"
        fresh.write_text(json.dumps(content, indent=1), encoding="utf-8")
        fresh.replace(folder / FILE)


def read_request(folder: Path) -> SubmittedRun:
    """What the run in `folder` is.

    Raises:
        NotFound: the folder is gone.
    """
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"the folder of run {folder.name} is gone", given=folder, next_step="mizzen run"
        ) from None
    spec = ProjectSpec.model_validate(content["project"])
    return SubmittedRun(content["kind"], spec, content["arguments"], content["cache"])
