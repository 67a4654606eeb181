"""`python -m mizzen_serving --package DIR --version N`: one model version as a service.

Control starts exactly this, with the place in the environment (MIZZEN_PLACE)::

    --package DIR     a registered package; its files are compared with their hashes
    --version N       its number in the registry; an alias is resolved by the caller, once
    --host, --port    where to listen (127.0.0.1:3000; port 0 takes a free one)
    --workers N       processes that share the port, each with log segments of its own (1)
    --threads N       of the model in each worker (1)
    --queue N         requests that may wait before the answer is 503 (1024)
    --tokens PATH     callers that may ask: a file with lines `NAME TOKEN`, or a folder with a file
                      for each name (a mounted Secret); everybody may without it
    --rate N          requests a second of one caller, in each worker (no limit)
    --burst N         requests that a caller may send at once (twice the rate)
    --bento DIR       the Bento without a model that answers, as Mizzen's images hold one (the
                      service of the installed Mizzen)
    --drain SECONDS   how long to go on answering after SIGTERM, being unready (1.0)

It is ready once GET /readyz answers 200; it ends with status 0 after SIGTERM, and with the
exit code of the error tree (see mizzen.errors) and its text on stderr when it cannot start.
How much a client may take is told by MIZZEN_LIMITS (docs/reference/environment.md). The words
`--listener`, `--board`, `--worker` and `--parent` are internal: what a supervisor gives.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
from pathlib import Path

from mizzen.adapters.local_runner.processes import die_with_parent
from mizzen.core.place import Place
from mizzen.errors import MizzenError
from mizzen.streams import guard_streams
from mizzen_serving.options import METRICS_FOLDER, METRICS_VARIABLE, Inherited, ServeOptions


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    given = _parser().parse_args(arguments)
    inherited = Inherited(given.listener, given.board, given.worker, given.parent)
    for word in ("listener", "board", "worker", "parent"):
        delattr(given, word)
    try:
        if inherited.parent is not None:
            die_with_parent(inherited.parent, signal.SIGTERM)
        place = Place.from_environment(os.environ)
        _forget_foreign_metrics()
        from mizzen_serving.server import serve

        return serve(ServeOptions(**vars(given)), place, inherited)
    except MizzenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _forget_foreign_metrics() -> None:
    # Feast sets the variable for whoever imports it; a service started from there inherits it
    folder = Path(os.environ.get(METRICS_VARIABLE, ""))
    if not folder.name.startswith(METRICS_FOLDER):
        os.environ.pop(METRICS_VARIABLE, None)


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mizzen_serving", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--version", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--queue", type=int, default=1024)
    parser.add_argument("--drain", type=float, default=1.0)
    parser.add_argument("--bento", type=Path)
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--rate", type=_above_zero)
    parser.add_argument("--burst", type=_above_zero)
    for word in ("--listener", "--board", "--parent"):
        parser.add_argument(word, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--worker", type=int, default=0, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    guard_streams()
    sys.exit(main())
