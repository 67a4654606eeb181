"""What a server process is told at its start."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

from mizzen.adapters.files.tokens import NamedTokens
from mizzen.adapters.uvicorn.limits import Limits
from mizzen.api.roles import ALL, TOKENS, Principal, Role
from mizzen.errors import UserError

SERVICE_TOKEN = "MIZZEN_SERVICE_TOKEN"  # noqa: S105 (the name of a variable)
TOKEN = "MIZZEN_API_TOKEN"  # noqa: S105 (the name of a variable)
_PLACES = {"model", "namespace"}


class Tokens:
    """The bearer tokens that count, and who carries them. Only digests are kept, so that nothing
    prints a token.

    Args:
        text: tokens without a name, separated by commas or white space, so that clients change
            theirs one by one. Each has every role, under the name of the variable.
        path: file or folder of named ones, each with its roles; see `adapters.files.tokens`.

    Raises:
        UserError: there is none, or the file cannot be used.
    """

    def __init__(self, text: str, path: Path | None = None) -> None:
        tokens = re.split(r"[,\s]+", text.strip())
        self._digests = [_digest(token) for token in tokens if token]
        self._named = None if path is None else NamedTokens(path, TOKENS)
        if not self._digests and self._named is None:
            raise UserError(
                "the control API has no token, and would let everybody in",
                allowed=f"a file of named tokens (--tokens), or one or several bearer tokens in "
                f"the environment variable {TOKEN}",
                next_step=f"{TOKEN}=$(openssl rand -hex 32)",
            )

    def find(self, token: str) -> Principal | None:
        """Who carries it; takes as long for a wrong one as for a right one."""
        found = _digest(token)
        unnamed = any([hmac.compare_digest(found, known) for known in self._digests])  # noqa: C419
        caller = None if self._named is None else self._named.find(token)
        if caller is not None:
            return Principal(caller.name, frozenset(map(Role, caller.rights)))
        return Principal(TOKEN, ALL) if unnamed else None


@dataclass(frozen=True, slots=True)
class ModelServices:
    """Where the services of models answer: `template` with `{model}` and `{namespace}`."""

    template: str
    namespace: str

    def __post_init__(self) -> None:
        fields = _fields(self.template)
        http = self.template.startswith(("http://", "https://"))
        if not http or "model" not in fields or fields - _PLACES:
            raise UserError(
                "--models is no template of addresses",
                given=self.template,
                allowed="as in http://{model}-stable.{namespace}.svc",
            )

    def address(self, project: str) -> str:
        """The address of a project's service; the name was checked by whoever calls."""
        return self.template.format(model=project, namespace=self.namespace).rstrip("/")


@dataclass(frozen=True, slots=True)
class Settings:
    """`largest`: bytes of a request's body; `predicting`: seconds a model may take;
    `service_token`: with which services are asked that want one."""

    tokens: Tokens
    models: ModelServices
    largest: int = 32 << 20
    predicting: float = 60.0
    service_token: str | None = None
    limits: Limits = field(default_factory=Limits)


def _fields(template: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError:  # a brace without its other half
        return set()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
