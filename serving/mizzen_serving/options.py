"""How one service is started. `__main__` reads it from the command line, a Bento from its
environment, tests build it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mizzen.errors import UserError
from mizzen_serving.board import WorkerBoard

VARIABLE = "MIZZEN_SERVING"
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's: where workers share figures
METRICS_FOLDER = "mizzen-metrics-"  # how the folder that we give to workers begins
WITHOUT_MODEL = "mizzen-predictions"  # the Bento that gets its model when it starts
_FROM_ENVIRONMENT = ("burst", "queue", "rate", "threads", "tokens")
_MODEL = ("package", "version")


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """`package`: a registered package's folder; `version`: its number, resolved by control.

    `workers`: processes that share the port, each with log segments of its own. `threads`:
    of the model, for each worker. `queue`: requests that may wait before the service answers
    503. `drain`: seconds in which a service told to stop still answers, so that whoever sends
    requests notices. `tokens`: file or folder of the callers that may ask; everybody may when None.
    `rate` and `burst`: requests a second of one caller, by its token or address, and requests that
    it may send at once (twice the rate when None); without a limit when `rate` is None. Each
    worker counts for itself. `bento`: folder of a Bento without a model that answers; the one of
    this Mizzen when None.
    """

    package: Path
    version: int
    host: str = "127.0.0.1"
    port: int = 3000
    workers: int = 1
    threads: int = 1
    queue: int = 1024
    drain: float = 1.0
    tokens: Path | None = None
    rate: float | None = None
    burst: float | None = None
    bento: Path | None = None

    def words(self) -> dict[str, Any]:
        """The options of one worker, as the command line takes them."""
        return {
            "--package": self.package,
            "--version": self.version,
            "--host": self.host,
            "--port": self.port,
            "--threads": self.threads,
            "--queue": self.queue,
            "--drain": self.drain,
            **({} if self.tokens is None else {"--tokens": self.tokens}),
            **({} if self.rate is None else {"--rate": self.rate}),
            **({} if self.burst is None else {"--burst": self.burst}),
            **({} if self.bento is None else {"--bento": self.bento}),
        }

    def with_environment(self, environment: Mapping[str, str] | None = None) -> ServeOptions:
        """For a Bento, whose address and workers are BentoML's: MIZZEN_SERVING may set the
        others, as in `{"threads": 2}`.

        Raises:
            UserError: an option that cannot be set there.
        """
        return replace(self, **_told(environment, _FROM_ENVIRONMENT))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> ServeOptions:
        """For a Bento without a model: MIZZEN_SERVING names package and version too.

        Raises:
            UserError: it names none, or sets an option that cannot be set there.
        """
        told = _told(environment, (*_MODEL, *_FROM_ENVIRONMENT))
        missing = [name for name in _MODEL if name not in told]
        if missing:
            raise UserError(
                f"{VARIABLE} names no {' and no '.join(missing)}",
                given=json.dumps(told),
                allowed='for example {"package": "/models/package", "version": 3}',
                next_step="fetch the version (python -m mizzen_serving.fetch_model), then name it",
            )
        return cls(**{**told, "package": Path(told["package"])})

    def for_bento(self) -> str:
        """MIZZEN_SERVING by which a Bento without a model serves the same version."""
        return json.dumps({"package": str(self.package), "version": self.version})


def _told(environment: Mapping[str, str] | None, allowed: Sequence[str]) -> dict[str, Any]:
    text = (os.environ if environment is None else environment).get(VARIABLE, "{}")
    try:
        told: dict[str, Any] = dict(json.loads(text))
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{VARIABLE} is no JSON object", given=error, allowed='for example {"threads": 2}'
        ) from None
    unknown = sorted(set(told) - set(allowed))
    if unknown:
        raise UserError(f"{VARIABLE} cannot set {unknown[0]!r}", allowed=", ".join(allowed))
    if "tokens" in told:
        told["tokens"] = Path(told["tokens"])
    return told


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a supervisor gives to the process that it starts: descriptors of a bound socket and
    of the board of workers, the worker's number there, and who started it."""

    listener: int | None = None
    board: int | None = None
    worker: int = 0
    parent: int | None = None

    def open_board(self) -> tuple[WorkerBoard, int] | None:
        """The board and the worker's place on it; None for a single process."""
        return None if self.board is None else (WorkerBoard(self.board), self.worker)
