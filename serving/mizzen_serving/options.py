"""How one service is started. `__main__` reads it from the command line, a Bento from its
environment, tests build it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mizzen.errors import UserError

VARIABLE = "MIZZEN_SERVING"
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's: where workers share figures
METRICS_FOLDER = "mizzen-metrics-"  # how the folder that we give to workers begins
_FROM_ENVIRONMENT = ("queue", "threads")


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """`package`: a registered package's folder; `version`: its number, resolved by control.

    `workers`: processes that share the port, each with log segments of its own. `threads`:
    of the model, for each worker. `queue`: requests that may wait before the service answers
    503. `drain`: seconds in which a service told to stop still answers, so that whoever sends
    requests notices.
    """

    package: Path
    version: int
    host: str = "127.0.0.1"
    port: int = 3000
    workers: int = 1
    threads: int = 1
    queue: int = 1024
    drain: float = 1.0

    def with_environment(self, environment: Mapping[str, str] | None = None) -> ServeOptions:
        """For a Bento, whose address and workers are BentoML's: MIZZEN_SERVING may set the
        others, as in `{"threads": 2}`.

        Raises:
            UserError: an option that cannot be set there.
        """
        text = (os.environ if environment is None else environment).get(VARIABLE, "{}")
        given = json.loads(text)
        unknown = sorted(set(given) - set(_FROM_ENVIRONMENT))
        if unknown:
            raise UserError(
                f"{VARIABLE} cannot set {unknown[0]!r}", allowed=", ".join(_FROM_ENVIRONMENT)
            )
        return replace(self, **given)
