"""How one service is started. `__main__` reads it from the command line, a Bento from its
environment, tests build it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "MIZZEN_SERVING"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """`package`: a registered package's folder; `version`: its number, resolved by control.

    `workers`: processes that share the port, each with log segments of its own. `threads`:
    of the model, for each worker. `queue`: requests that may wait before the service answers
    503. `drain`: seconds in which a service told to stop still answers, so that whoever sends
    requests notices. `framework`: a name of the framework table instead of the package's own
    (`onnx` serves a torch model without torch).
    """

    package: Path
    version: int
    host: str = "127.0.0.1"
    port: int = 3000
    workers: int = 1
    threads: int = 1
    queue: int = 1024
    drain: float = 1.0
    framework: str | None = None

    def to_environment(self) -> dict[str, str]:
        """For a Bento's workers, which are started by others."""
        document = {**asdict(self), "package": str(self.package)}
        return {VARIABLE: json.dumps(document, sort_keys=True)}

    @classmethod
    def from_environment(
        cls, package: Path, version: int, environment: Mapping[str, str] | None = None
    ) -> ServeOptions:
        """The options set there; package and version unless set there."""
        text = (os.environ if environment is None else environment).get(VARIABLE, "{}")
        document = {"package": str(package), "version": version, **json.loads(text)}
        document["package"] = Path(document["package"])
        return cls(**document)
