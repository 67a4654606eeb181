"""Requests made up from an OpenAPI document: as it describes them, or nearly."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema  # type: ignore[import-untyped]
from hypothesis import strategies as st

from mizzen_tests.hostile import odd_numbers, odd_texts, values

INSTANTS = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678+14:00", "0001-01-01T00:00:00Z"]
INTEGERS = st.one_of(st.integers(0, 9), st.sampled_from([-1, 2**31 - 1, 2**31, 2**63, 10**23]))


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    described: Mapping[str, Any]

    @property
    def body(self) -> tuple[str, Mapping[str, Any]] | None:
        """The type and the schema of what it takes."""
        content = self.described.get("requestBody", {}).get("content", {})
        return next(((kind, part["schema"]) for kind, part in content.items()), None)


@dataclass(frozen=True)
class Request:
    """One to send. `exact`: address and headers are as described."""

    operation: Operation
    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Description:
    """The document.

    Args:
        known: values of parameters that name something that is there.
    """

    def __init__(self, document: Mapping[str, Any], known: Mapping[str, list[str]]) -> None:
        self._document, self._known = document, known
        self.operations = [
            Operation(method.upper(), path, described)
            for path, methods in document["paths"].items()
            for method, described in methods.items()
        ]

    def validator(self, schema: Mapping[str, Any]) -> jsonschema.Draft202012Validator:
        """Of a schema with references into the document."""
        return jsonschema.Draft202012Validator(
            {**schema, "components": self._document["components"]}
        )

    def check(self, asked: Request, status: int, kind: str, body: bytes) -> None:
        """Raises AssertionError where this answer is not described for this request."""
        responses = asked.operation.described["responses"]
        described = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        assert described is not None, (asked, status, body)
        content = described.get("content")
        if not content:
            assert body == b"", (asked, status, body)
            return
        assert kind.partition(";")[0] in content, (asked, kind)
        schema = content[kind.partition(";")[0]].get("schema")
        if kind.endswith("json") and schema is not None:
            told = json.loads(body, parse_constant=_refuse)
            self.validator(schema).validate(told)

    def strategy(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        """Values of a schema."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return st.deferred(lambda: self.strategy(self._document["components"]["schemas"][name]))
        if "anyOf" in schema:
            return st.one_of([self.strategy(one) for one in schema["anyOf"]])
        if "const" in schema or "enum" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        kind = schema.get("type")
        if kind == "object" and "properties" in schema:
            wanted = {name: self.strategy(one) for name, one in schema["properties"].items()}
            required = {name: wanted.pop(name) for name in schema.get("required", [])}
            return st.fixed_dictionaries(required, optional=wanted)
        plain: dict[Any, st.SearchStrategy[Any]] = {
            "null": st.none(),
            "boolean": st.booleans(),
            "integer": INTEGERS,
            "number": odd_numbers,
            "string": _texts(schema),
            "object": st.dictionaries(odd_texts, values, max_size=2),
        }
        if kind == "array":
            return st.lists(self.strategy(schema["items"]), max_size=3)
        return plain.get(kind, values)

    @property
    def requests(self) -> st.SearchStrategy[Request]:
        """For any operation."""
        return st.sampled_from(self.operations).flatmap(self._request)

    def _request(self, operation: Operation) -> st.SearchStrategy[Request]:
        return _requests(self, operation)

    def parameter(self, described: Mapping[str, Any]) -> st.SearchStrategy[str]:
        """One as described, or not."""
        known = self._known.get(described["name"], [])
        right = self.strategy(described["schema"]).map(_parameter_text)
        return st.integers(0, 7).flatmap(
            lambda chance: (
                odd_texts if chance == 7 else st.sampled_from(known) if known and chance else right
            )
        )


@st.composite
def _requests(draw: Any, description: Description, operation: Operation) -> Request:
    path = operation.path
    inside: dict[str, Any] = {}
    query: dict[str, Any] = {}
    headers = [(b"authorization", b"Bearer a-token-of-the-tests")]
    for described in operation.described.get("parameters", []):
        name, where = described["name"], described["in"]
        if where != "path" and draw(st.booleans()):
            continue
        value = draw(description.parameter(described))
        if where == "path":
            path, inside = path.replace(f"{{{name}}}", value), {**inside, name: value}
        elif where == "query":
            query[name] = value.encode("utf-8", "surrogatepass")
        else:
            headers.append((name.encode(), value.encode("utf-8", "surrogatepass")))
    body = b""
    if operation.body is not None:
        kind, schema = operation.body
        headers.append((b"content-type", kind.encode()))
        body = draw(_bodies(description, schema, inside)) if "json" in kind else draw(st.binary())
    method = operation.method
    if draw(st.integers(0, 15)) == 15:
        method = draw(st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"]))
    return Request(operation, method, path, urlencode(query).encode(), tuple(headers), body)


@st.composite
def _bodies(
    draw: Any, description: Description, schema: Mapping[str, Any], inside: Mapping[str, str]
) -> bytes:
    document = draw(description.strategy(schema))
    if draw(st.integers(0, 3)):
        _agree(document, inside)
    if draw(st.integers(0, 2)) == 0:
        document = draw(_nearly(document))
    return json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@st.composite
def _nearly(draw: Any, document: Any) -> Any:
    """With one field changed, gone or added, however deep."""
    if not isinstance(document, dict) or not document:
        return draw(values)
    name = draw(st.sampled_from(sorted(document)))
    match draw(st.integers(0, 3)):
        case 0:
            return {key: value for key, value in document.items() if key != name}
        case 1:
            return {**document, draw(odd_texts): draw(values)}
        case _:
            return {**document, name: draw(_nearly(document[name]))}


def _agree(document: Any, inside: Mapping[str, str]) -> None:
    """Say in the body what the address says, as a request has to."""
    if not isinstance(document, dict) or not inside:
        return
    last = list(inside)[-1]
    for name, value in document.items():
        said = inside.get(last if name in {"id", "name"} else name)
        if isinstance(value, dict):
            _agree(value, inside)
        elif said is not None:
            document[name] = int(said) if re.fullmatch("[0-9]{1,10}", said) else said


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    if schema.get("format") == "date-time":
        return st.sampled_from(INSTANTS)
    return st.one_of(st.sampled_from(["a", "ok"]), odd_texts)


def _parameter_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def raw(path: str) -> bytes:
    """A path as it is written in a request's line."""
    return quote(path, errors="surrogatepass").encode()
