"""Instants as people write them -> UTC text as the pipelines take it."""

from __future__ import annotations

from datetime import UTC, datetime

from mizzen.errors import UserError


def parse(text: str, name: str) -> datetime:
    """An ISO instant with zone; a date alone is midnight UTC.

    Raises:
        UserError: no instant, or one without a zone.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _refused(text, name, "no instant") from None
    if found.tzinfo is None:
        if len(text) > len("2013-06-01"):
            raise _refused(text, name, "without a zone")
        found = found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise _refused(text, name, "out of the calendar in UTC") from None


def refuse_future(until: datetime) -> None:
    """Raises UserError for the end of a window that has not come yet."""
    clock = datetime.now(UTC)
    if until > clock:
        raise UserError(
            "the window has not ended",
            given=f"until {until.isoformat()}",
            allowed=f"an instant up to now, {clock:%FT%TZ}",
            next_step="leave --until out, or give an instant of the past",
        )


def canonical(when: datetime | None) -> str:
    """UTC text, equal for equal instants; empty for an open end."""
    return "" if when is None else when.astimezone(UTC).isoformat()


def window(start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """Both ends of a half-open window.

    Raises:
        UserError: an end that is no instant, or a window that holds nothing.
    """
    first = parse(start, "--from") if start else None
    last = parse(end, "--until") if end else None
    if first is not None and last is not None and first >= last:
        raise UserError(
            "the window holds nothing",
            given=f"from {canonical(first)} until {canonical(last)}",
            allowed="--from before --until",
        )
    return first, last


def _refused(text: str, name: str, fault: str) -> UserError:
    return UserError(
        f"{name} is {fault}",
        given=repr(text),
        allowed="2013-06-01 (midnight UTC) or 2013-06-01T00:00:00-04:00",
    )
