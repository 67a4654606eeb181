"""What BentoML knows of the service: its methods with their types.

BentoML's clients, its OpenAPI page and the description inside a Bento go by these. Over HTTP
the same paths are answered by `ServingApp` before BentoML sees them, from the same contract; a
method called within the process (a service that depends on this one) goes through it as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from mizzen.errors import UserError, from_dict

if TYPE_CHECKING:
    from mizzen_serving.app import ServingApp

Document = Mapping[str, Any]
_REFERENCE = "#/components/schemas/"
# of a Bento that gets its model when it starts: any project's rows
_ANY_ROWS: Document = {"type": "array", "items": {"type": "object"}, "minItems": 1}
_ANY_ANSWER: Document = {"type": "object"}


def predict_method(app: ServingApp, description: Document | None) -> Any:
    """`predict(rows)` as a BentoML API.

    Args:
        description: the service's OpenAPI document; None where no model is known yet.
    """
    rows, answer = _ANY_ROWS, _ANY_ANSWER
    if description is not None:
        taken = description["paths"]["/predict"]["post"]
        body = taken["requestBody"]["content"]["application/json"]["schema"]
        rows = _undropped(_plain(body["oneOf"][1]["properties"]["rows"], description))
        answer = _plain({"$ref": f"{_REFERENCE}BatchAnswer"}, description)

    async def predict(self: Any, rows: Any) -> Any:
        """Predict rows."""
        return await _ask(app, "/predict", {"rows": rows})

    return _method(predict, "rows", rows, answer)


def labels_method(app: ServingApp, description: Document | None) -> Any:
    """`labels(labels)` as a BentoML API; see `predict_method`."""
    labels = _ANY_ROWS
    if description is not None:
        given = _plain({"$ref": f"{_REFERENCE}LabelsIn"}, description)
        labels = _undropped(given["properties"]["labels"])

    async def labels_(self: Any, labels: Any) -> Any:
        """Report what predictions turned out to be."""
        return await _ask(app, "/labels", {"labels": labels})

    labels_.__name__ = "labels"
    return _method(labels_, "labels", labels, {"type": "object"})


def _undropped(items: Document) -> Document:
    """BentoML's client sends only what an object's schema names and drops a misspelt column
    without a word; what stands under `oneOf` it sends as it is, and the service refuses it."""
    return {**items, "items": {"oneOf": [items["items"]]}}


def _method(function: Callable[..., Any], argument: str, given: Document, answer: Document) -> Any:
    import bentoml
    from pydantic import WithJsonSchema

    # set by hand: BentoML reads types from them, and these are known only now
    function.__annotations__ = {
        argument: Annotated[list[dict[str, Any]], WithJsonSchema(dict(given))],
        "return": Annotated[dict[str, Any], WithJsonSchema(dict(answer))],
    }
    return bentoml.api(function)


async def _ask(app: ServingApp, path: str, body: object) -> Any:
    """The application's own answer, as if the body had come over HTTP.

    Raises:
        MizzenError: the error that the answer holds.
    """
    status, parts = 0, [b""]

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await app(scope, receive, send)
    answer = json.loads(b"".join(parts))
    if status >= HTTPStatus.BAD_REQUEST:
        raise from_dict(answer, UserError)
    return answer


def _plain(schema: Any, description: Document) -> Any:
    """The schema with its references written out: BentoML knows no components of ours."""
    if isinstance(schema, list):
        return [_plain(item, description) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        return _plain(description["components"]["schemas"][name], description)
    return {key: _plain(value, description) for key, value in schema.items()}
