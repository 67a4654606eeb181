"""What a database says went wrong, as errors of the tree: the type tells whether to try again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from mizzen.errors import Conflict, IntegrityError, InvalidData, MizzenError, TemporaryError


@contextmanager
def told() -> Iterator[None]:
    """Turn SQLAlchemy's errors into ours."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise _ours(error) from error


def _ours(error: exc.SQLAlchemyError) -> MizzenError:
    given = getattr(error, "orig", None) or type(error).__name__
    match error:
        case exc.IntegrityError():
            return Conflict(
                "constraint violation in the state database",
                given=given,
                next_step="see that what it names exists",
            )
        case exc.DataError():
            return InvalidData("the state cannot keep this", given=given)
        case exc.ProgrammingError():
            return IntegrityError(
                "the state's tables are not what this Mizzen needs",
                given=given,
                next_step="python -m mizzen.state.migrations check --address ADDRESS",
            )
        case _:  # connections, locks, time-outs, deadlocks, a pool that is empty
            return TemporaryError(
                "the state cannot be reached",
                given=given,
                next_step="see that its disk has room and its server runs, then try again",
            )
