"""`python -m mizzen_serving.log_shipper --log DIR --to ADDRESS`: the prediction log leaves the pod.

A sidecar of a service runs it, beside the volume with the service's log::

    --log DIR             the log's folder, <home>/predictions/<project>
    --to ADDRESS          s3://bucket/prefix, or file:///folder; credentials by AWS_*
    --version N           the served version, a part of the keys; else found in the records
    --project NAME        a part of the keys; the place's (MIZZEN_PLACE), else the folder's name
    --every SECONDS       how often to look (10)
    --keep-mb N           remove the oldest shipped segments while more lies here (never)
    --restart-after SECONDS  end after so long with refused credentials, so that the container
                          is started again with its Secret as it is now (300)
    --metrics-port N      GET /metrics and /healthz; 0 for none (9464)
    --once                ship what is there and end

Keys are <prefix>/<project>/<version>/<writer>/<segment>. Told to stop (SIGTERM), it ships what
is left, as soon as no service writes any more, and tries until that is done, until it is killed,
or until it is told again. Status 0: everything is shipped; 3: a wrong address, or credentials
that stayed refused; 7: it left with unshipped records, and says how many bytes.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from mizzen.adapters import backends
from mizzen.core.place import VARIABLE, Place
from mizzen.errors import MizzenError, NotFound, TemporaryError, UserError
from mizzen.streams import guard_streams
from mizzen_serving.log_shipper.metrics import ShipFigures, expose
from mizzen_serving.log_shipper.shipper import Backlog, Shipper

_SIGNALS = {signal.SIGTERM, signal.SIGINT}
_LEAVING_PAUSE = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Ship until told to stop; returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        shipper = Shipper(
            given.log,
            backends.open_objects(given.to),
            f"{given.project or _project(given.log)}/",
            given.version,
            None if given.keep_mb is None else given.keep_mb * 1_000_000,
        )
        figures = ShipFigures()
        sidecar = Sidecar(shipper, figures, given.every, given.restart_after)
        if given.once:
            return sidecar.once()
        # blocked, so that they are noticed between two looks and no look is cut short
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        with expose(figures, given.metrics_port):
            return sidecar.run()
    except MizzenError as error:
        _say(str(error))
        return error.exit_code


class Sidecar:
    """Looks again and again, and knows when it may go."""

    def __init__(
        self, shipper: Shipper, figures: ShipFigures, every: float, restart_after: float
    ) -> None:
        self._shipper, self._figures = shipper, figures
        self._every, self._restart_after = every, restart_after
        self._refused_since: float | None = None
        self._last_words = ""

    def once(self) -> int:
        """One look at everything."""
        failed = self._look(leaving=True)
        left = self._left(self._shipper.backlog())
        return left if failed is None else failed.exit_code

    def run(self) -> int:
        """Look until told to stop and done. The first signal asks to finish, the second to
        leave."""
        told = 0
        while True:
            failed = self._look(leaving=told > 0)
            backlog = self._shipper.backlog()
            self._figures.behind(backlog)
            if told and failed is None and backlog.empty and backlog.open == 0:
                return 0
            if told > 1:
                return self._left(backlog)
            if failed is not None and not told and self._refused_too_long():
                self._left(backlog)
                return failed.exit_code
            told += _pause(min(self._every, _LEAVING_PAUSE) if told else self._every)

    def _look(self, leaving: bool) -> MizzenError | None:
        try:
            self._shipper.look(everything=leaving)
        except MizzenError as error:
            self._failed(error, leaving)
            return error
        finally:
            self._figures.shipped(self._shipper)
        if self._last_words:
            _say("shipping again")
        self._refused_since, self._last_words = None, ""
        self._figures.succeeded()
        return None

    def _failed(self, error: MizzenError, leaving: bool) -> None:
        """Count it; say it until it is known, and to the last when the pod goes."""
        reason = reason_of(error)
        self._figures.failed(reason)
        if leaving or str(error) != self._last_words:
            _say(f"{error}\n  {self._shipper.backlog().bytes} bytes wait here; trying again")
        self._last_words = str(error)
        if reason != "refused":
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = time.monotonic()

    def _refused_too_long(self) -> bool:
        since = self._refused_since
        return since is not None and time.monotonic() - since >= self._restart_after

    def _left(self, backlog: Backlog) -> int:
        if backlog.empty:
            return 0
        _say(f"leaving {backlog.bytes} bytes of {backlog.segments} segments unshipped")
        return TemporaryError.exit_code


def reason_of(error: MizzenError) -> str:
    """Why shipping failed, in one word: the label of the metric."""
    if isinstance(error, NotFound):
        return "bucket"
    return "refused" if isinstance(error, UserError) else "away"


def _pause(seconds: float) -> int:
    """Wait; how many signals came."""
    return int(signal.sigtimedwait(_SIGNALS, seconds) is not None)


def _project(log: Path) -> str:
    return (
        Place.from_environment(os.environ).project if VARIABLE in os.environ else log.resolve().name
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mizzen_serving.log_shipper", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--version", type=int)
    parser.add_argument("--project")
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--keep-mb", type=int)
    parser.add_argument("--restart-after", type=float, default=300.0)
    parser.add_argument("--metrics-port", type=int, default=9464)
    parser.add_argument("--once", action="store_true")
    return parser


if __name__ == "__main__":
    guard_streams()
    sys.exit(main())
