"""What can go wrong, and what the user does next.

The type says whether trying again can help (`retryable`), and runners go by it: where a step has
further attempts (`trainer.retries`), an error that is retryable gets the next one, any other ends
the step. The text says what was given, what is allowed and the next step. The tree::

    MizzenError
    ├── UserError                what was written or asked for is wrong; trying again is useless
    │   ├── InvalidProject       mizzen.yaml or a profile
    │   ├── InvalidData          a table, a row, a request
    │   ├── NotFound             a run, a version, a project that does not exist
    │   ├── Conflict             it exists already, or somebody else holds it
    │   ├── Unsupported          the chosen back end cannot do this
    │   └── MissingDependencyError
    ├── StepFailed               a step broke for a reason unknown here; trying again can help
    ├── IntegrityError           stored content does not match its hash
    └── TemporaryError           a service is away or busy; trying again can help
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mizzen.masking import masked


class MizzenError(Exception):
    """Base of every error that Mizzen raises on purpose.

    Args:
        message: one sentence, without a full stop at its end.
        given: what was found.
        allowed: what would be accepted.
        next_step: what to do now, as an instruction.
    """

    exit_code = 1
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        given: object = None,
        allowed: object = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.given = given
        self.allowed = allowed
        self.next_step = next_step

    def __str__(self) -> str:
        parts = [self.message]
        if self.given is not None:
            parts.append(f"given: {self.given}")
        if self.allowed is not None:
            parts.append(f"allowed: {self.allowed}")
        if self.next_step is not None:
            parts.append(f"next: {self.next_step}")
        return masked("\n  ".join(parts))

    def as_dict(self) -> dict[str, Any]:
        """The error as JSON-ready values, for `--json`, for HTTP answers and to be kept."""
        return {
            "error": type(self).__name__,
            "message": masked(self.message),
            "given": None if self.given is None else masked(str(self.given)),
            "allowed": None if self.allowed is None else masked(str(self.allowed)),
            "next": None if self.next_step is None else masked(self.next_step),
            "retryable": self.retryable,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process borders (a step's worker to its runner); keyword-only
        # arguments are lost by the default reduction.
        return (_rebuild, (type(self), self.message, self.given, self.allowed, self.next_step))


def from_dict(document: Mapping[str, Any], otherwise: type[MizzenError]) -> MizzenError:
    """The inverse of `as_dict`, for errors that come from another process.

    Args:
        otherwise: the type where the document names none of the tree.
    """
    kind = globals().get(str(document.get("error")))
    if not (isinstance(kind, type) and issubclass(kind, MizzenError)):
        kind = otherwise
    return kind(
        str(document.get("message") or "no reason is given"),
        given=document.get("given"),
        allowed=document.get("allowed"),
        next_step=document.get("next"),
    )


def _rebuild(
    kind: type[MizzenError], message: str, given: object, allowed: object, next_step: str | None
) -> MizzenError:
    return kind(message, given=given, allowed=allowed, next_step=next_step)


class UserError(MizzenError):
    """What was written or asked for is wrong; trying again is useless."""

    exit_code = 3


class InvalidProject(UserError):
    """`mizzen.yaml`, a profile or the project's Python files are not what they must be."""


class InvalidData(UserError):
    """A table, a row or a request does not fit the project's description."""


class NotFound(UserError):
    """Something was named that does not exist."""


class Conflict(UserError):
    """It exists already, or somebody else holds it."""


class StaleLease(Conflict):
    """Somebody else drives the run by now: a write of whoever drove it before is refused."""


class Unsupported(UserError):
    """The chosen back end cannot do what was asked; the construct is named."""


class MissingDependencyError(UserError):
    """An optional library is not installed; the text carries the install command."""


class StepFailed(MizzenError):
    """A step of a run broke: its code raised, its process died, or its time was over. Nobody knows
    whether another attempt ends better, so it gets one where attempts are left. Of a whole run that
    failed it says what its failed step says."""

    exit_code = 5
    retryable = True


class IntegrityError(MizzenError):
    """Stored content does not match the hash that it is kept under."""

    exit_code = 6


class TemporaryError(MizzenError):
    """A service is away or busy; trying again can help."""

    exit_code = 7
    retryable = True
