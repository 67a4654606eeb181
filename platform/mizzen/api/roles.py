"""Who may send which command: the one table. Reads are for every role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mizzen.adapters.files.tokens import TokenFormat


class Role(StrEnum):
    """What a caller of the control API is trusted with."""

    READER = "reader"
    """Reads everything, changes nothing."""
    SCIENTIST = "scientist"
    """Trains: submits and drives runs, registers versions, asks for retrainings and predictions."""
    OPERATOR = "operator"
    """Decides what is served: promotes, rolls back, lifts a freeze, resets the breaker."""
    SERVICE = "service"
    """A job or a controller: what the platform does by itself, nothing that a person decides."""


ALL = frozenset(Role)
_WORKERS = frozenset({Role.SCIENTIST, Role.OPERATOR, Role.SERVICE})
_OPERATORS = frozenset({Role.OPERATOR})
_PLATFORM = frozenset({Role.OPERATOR, Role.SERVICE})

# A command is called after the function that answers it; see `operationId` of the description.
COMMANDS: Mapping[str, frozenset[Role]] = {
    "know_project": _WORKERS,
    "keep_chapter": _WORKERS,
    "put_bundle": _WORKERS,
    "add_run": _WORKERS,
    "change_run": _WORKERS,
    "record_step": _WORKERS,
    "acquire_lease": _WORKERS,
    "renew_lease": _WORKERS,
    "release_lease": _WORKERS,
    "register": _WORKERS,
    "promote": _OPERATORS,
    "promote_blessed": _WORKERS,
    "add_window": _WORKERS,
    "add_decision": _WORKERS,
    "request_retraining": _WORKERS,
    "keep_schedule": _WORKERS,
    "drop_schedule": _WORKERS,
    "reset_breaker": _OPERATORS,
    "lift_freeze": _OPERATORS,
    "set_served": _PLATFORM,
    "clear_served": _PLATFORM,
    "predict": _WORKERS,
    "label": _WORKERS,
}
TOKENS = TokenFormat(
    "the control API",
    frozenset(role.value for role in Role),
    frozenset(),  # each line says its roles: none is guessed
    "docs/how-to/guard-the-control-api.md",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request. `name` is what the state keeps as author."""

    name: str
    roles: frozenset[Role]

    def may(self, command: str) -> bool:
        """Whether one of its roles may send a command; one that no row names is for nobody who
        has less than all of them."""
        return bool(self.roles & COMMANDS.get(command, frozenset())) or self.roles == ALL
