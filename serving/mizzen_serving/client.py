"""A small client of the service: `mizzen predict`, `mizzen labels` and the replay use it.

It tries again only where that cannot do anything twice:
when the service was not reached or said 503, and, after a connection broke, when the rows
carry prediction ids or the request delivers labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from mizzen.adapters.http.client import FAULTS, Answer, HttpClient
from mizzen.errors import InvalidData, MizzenError, TemporaryError, UserError
from mizzen.ports.prediction_log import TrueLabel

_PATIENCE_SECONDS = 3.0
_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer. `output`: `probability` and `label`, `class` and `probabilities`, or
    `value`, by the task. `missing`: features that were null. `outside`: numbers far outside
    what training saw. `unknown`: categories that it never saw."""

    prediction_id: str
    model: str
    version: int
    output: Mapping[str, Any]
    missing: tuple[str, ...]
    outside: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Client:
    """Talks to one service.

    Args:
        address: such as `http://127.0.0.1:3000`, or a gateway's with the model's prefix, such
            as `https://models.example.com/flights`.
        batch: rows of one request; the service's `serving.max_batch` at most.
        timeout: seconds to wait for an answer.
        token: bearer token, where the service asks for one.
    """

    def __init__(
        self, address: str, batch: int = 1000, timeout: float = 60.0, token: str | None = None
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in _SCHEMES or parts.hostname is None:
            raise UserError(
                "the service's address does not fit",
                given=address,
                allowed="http://HOST:PORT or https://HOST, with or without a path",
                next_step="mizzen status shows where the service listens",
            )
        self.address = address
        self._batch = batch
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._client = HttpClient(address, headers=headers, seconds=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; another request opens it again."""
        self._client.close()

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """One answer per row, in order; more rows than a batch go in several requests.

        Raises:
            InvalidData: the service refused a row; the field is named.
            TemporaryError: the service is away or overloaded.
        """
        return [answer for part in _parts(rows, self._batch) for answer in self._predict(part)]

    def label(self, labels: Sequence[TrueLabel]) -> int:
        """Deliver labels; how many were accepted."""
        accepted = 0
        for part in _parts(labels, 10_000):
            known = [
                {"prediction_id": label.prediction_id, "value": label.value, "at": label.at}
                for label in part
            ]
            accepted += self._ask("POST", "/labels", {"labels": known}, True)["accepted"]
        return accepted

    def ready(self) -> bool:
        """Whether the service answers requests now."""
        try:
            return self._client.send("GET", "/readyz").status == HTTPStatus.OK
        except FAULTS:
            return False

    def served(self) -> tuple[str, int]:
        """Name and version of the served model."""
        told = self._ask("GET", "/readyz", None, True)
        return told["model"], told["version"]

    def _predict(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[Prediction]:
        repeatable = all(row.get("prediction_id") for row in rows)
        told = self._ask("POST", "/predict", {"rows": rows}, repeatable)
        for one in told["predictions"]:
            yield Prediction(
                one["prediction_id"],
                told["model"],
                told["version"],
                one["output"],
                tuple(one["missing"]),
                tuple(one["outside"]),
                tuple(one["unknown"]),
            )

    def _ask(self, method: str, path: str, document: Any, repeatable: bool) -> Any:
        body = b"" if document is None else msgspec.json.encode(document, enc_hook=_plain)
        try:
            answer = self._client.ask(
                method, path, body, patience=_PATIENCE_SECONDS, once=not repeatable
            )
        except FAULTS as error:
            raise self._away(error) from None
        told = _document(answer)
        if answer.status != HTTPStatus.OK:
            raise _refusal(answer, told)
        return told

    def _away(self, error: Exception | None) -> TemporaryError:
        return TemporaryError(
            f"no service answers at {self.address}",
            given=error,
            next_step="mizzen up, then mizzen status",
        )


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]


def _document(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        return {"message": answer.content[:200].decode("utf-8", "replace")}


def _refusal(answer: Answer, told: Any) -> MizzenError:
    status = answer.status
    kind: type[MizzenError] = TemporaryError if answer.is_away else MizzenError
    if kind is MizzenError and status < 500:
        kind = UserError if status in {401, 403} else InvalidData
    document = told if isinstance(told, dict) else {}
    return kind(
        document.get("message") or f"the service answered {status}",
        given=document.get("given"),
        allowed=document.get("allowed"),
        next_step=document.get("next"),
    )


def _plain(value: Any) -> Any:
    """What tables hold, as JSON: instants as text, numpy scalars as numbers, pandas' nulls."""
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    raise InvalidData(
        f"a {type(value).__name__} cannot be sent", given=value, allowed="text, numbers, null"
    )
