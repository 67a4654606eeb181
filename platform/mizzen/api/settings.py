"""What a server process is told at its start."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter

from mizzen.adapters.uvicorn.limits import Limits
from mizzen.errors import UserError

SERVICE_TOKEN = "MIZZEN_SERVICE_TOKEN"  # noqa: S105 (the name of a variable)
TOKEN = "MIZZEN_API_TOKEN"  # noqa: S105 (the name of a variable)
_PLACES = {"model", "namespace"}


class Tokens:
    """The bearer tokens that count. Only their digests are kept, so that nothing prints one.

    Several at once, separated by commas or white space, let clients change theirs one by one.
    """

    def __init__(self, text: str) -> None:
        tokens = re.split(r"[,\s]+", text.strip())
        self._digests = [_digest(token) for token in tokens if token]
        if not self._digests:
            raise UserError(
                "the control API has no token, and would let everybody in",
                allowed=f"one or several bearer tokens in the environment variable {TOKEN}",
                next_step=f"{TOKEN}=$(openssl rand -hex 32)",
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Tokens:
        """Those in the environment; raises UserError when there are none."""
        return cls(environment.get(TOKEN, ""))

    def accept(self, token: str) -> bool:
        """Whether it is one of them; takes as long for a wrong one as for a right one."""
        found = _digest(token)
        return any([hmac.compare_digest(found, known) for known in self._digests])  # noqa: C419


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
