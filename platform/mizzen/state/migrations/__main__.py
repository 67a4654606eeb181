"""`python -m mizzen.state.migrations upgrade|check|current`: the migration Job."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from mizzen.errors import MizzenError, TemporaryError
from mizzen.state.database import HEAD, Database, store_of
from mizzen.state.session import Store
from mizzen.streams import guard_streams

logger = logging.getLogger("mizzen.migrations")
_PAUSE_SECONDS = 1.0
_VERBS = """\
upgrade: bring the tables to this Mizzen's; does nothing where they are. Two at once wait for
one another. check: exit 0 if this Mizzen works with the tables, 6 if not, 7 if the database is
away. current: print their newest migration."""


def main(words: list[str] | None = None) -> int:
    """The exit code: 0, or the error's."""
    given = _parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    try:
        answer = _patiently(given.verb, store_of(given.address), given.wait)
    except MizzenError as error:
        logger.error("error: %s", error)
        return error.exit_code
    sys.stdout.write(f"{answer}\n")
    return 0


def _patiently(verb: str, store: Store, seconds: float) -> str:
    until = time.monotonic() + seconds
    while True:
        try:
            return _answer(verb, store)
        except TemporaryError as error:
            if time.monotonic() + _PAUSE_SECONDS > until:
                raise
            logger.info("waiting: %s", error.given)
            time.sleep(_PAUSE_SECONDS)


def _answer(verb: str, store: Store) -> str:
    if verb == "upgrade":
        before = store.stamp()
        if before.is_older(HEAD):
            store.migrate(HEAD)
        return f"tables {before.at or 'none'} -> {Database(store).check()}"
    return Database(store).check() if verb == "check" else str(store.stamp().at or "none")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mizzen.state.migrations", epilog=_VERBS)
    parser.add_argument("verb", choices=["upgrade", "check", "current"])
    parser.add_argument(
        "--address",
        default="postgresql+psycopg://",
        help="of the state; PGHOST and the like say what it leaves out",
    )
    parser.add_argument(
        "--wait", type=float, default=60.0, help="seconds to wait for a database that is away"
    )
    return parser


if __name__ == "__main__":
    guard_streams()
    sys.exit(main())
