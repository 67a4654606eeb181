"""pydantic's faults -> file, line, field, given, allowed. Only `mizzen.spec.load` calls this."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from mizzen.errors import InvalidProject
from mizzen.masking import masked
from mizzen.spec.text import Document, Path_

Schema = Mapping[str, Any]
_SHOWN = 80  # characters of a given value
_MOST = 50  # faults told at once


def explain(
    document: Document,
    overrides: Collection[str],
    error: ValidationError,
    model: type[BaseModel],
) -> InvalidProject:
    """All faults of a file in one error, in the order of its lines."""
    schema = model.model_json_schema(by_alias=True)
    found = error.errors(include_url=False)
    faults = [_Fault(document, fault, schema, overrides) for fault in found[:_MOST]]
    faults.sort(key=lambda fault: fault.line)
    lines = list(dict.fromkeys(fault.text() for fault in faults))
    if len(lines) == 1:
        message = lines[0]
    else:
        more = f"\n  and {len(found) - _MOST} more" if len(found) > _MOST else ""
        many = len(found) if more else len(lines)
        message = f"{document.file.name} has {many} faults\n  " + "\n  ".join(lines) + more
    return InvalidProject(message, next_step=_next(document, faults))


def _next(document: Document, faults: Sequence[_Fault]) -> str:
    words = ", ".join(dict.fromkeys(f"--set {o}" for fault in faults for o in fault.set_by))
    if words and all(fault.set_by for fault in faults):
        return f"fix {words}"
    return f"fix {document.file}{f' and {words}' if words else ''}, then: mizzen check"


class _Fault:
    """One fault, placed in the file and beside the schema of its field."""

    def __init__(
        self, document: Document, fault: Any, schema: Schema, overrides: Collection[str]
    ) -> None:
        self._fault, self._root, self._document = fault, schema, document
        self._path = _written(fault, document.values)
        self._field = ".".join(str(part) for part in self._path) or "(whole file)"
        self.set_by = [o for o in overrides if f"{self._field}.".startswith(f"{o}.")]
        self.line = 0 if self.set_by else document.line_of(self._path)
        self._where = "--set" if self.set_by else f"{document.file.name}:{self.line}"

    def text(self) -> str:
        """`mizzen.yaml:12: gate.margin: ...; given: ...; allowed: ...`"""
        kind = self._fault["type"]
        parts = [f"{self._where}: {self._field}: {self._message(kind)}"]
        if kind not in {"missing", "value_error", "extra_forbidden"}:
            parts.append(f"given: {_short(self._fault['input'])}")
        allowed = "; ".join(filter(None, (self._allowed(kind), self._quoted(kind))))
        return "; ".join([*parts, *([f"allowed: {allowed}"] if allowed else [])])

    def _message(self, kind: str) -> str:
        if kind == "missing":
            return "the field is required"
        if kind == "extra_forbidden":
            close = get_close_matches(str(self._path[-1]), self._known(), n=1)
            return "unknown field" + (f"; did you mean {close[0]!r}?" if close else "")
        if kind == "literal_error":
            allowed = [str(value) for value in _expected(self._fault)]
            close = get_close_matches(str(self._fault["input"]), allowed, n=1)
            return "unknown value" + (f"; did you mean {close[0]!r}?" if close else "")
        if kind == "string_pattern_mismatch":
            return "the text has another form"
        message = str(self._fault["msg"]).removeprefix("Value error, ")
        # a user of YAML writes lists and mappings
        message = message.replace("valid tuple", "list").replace("valid dictionary", "mapping")
        message = re.sub(r" or instance of \w+$", "", message)
        return message.removeprefix("Input ")

    def _allowed(self, kind: str) -> str:
        if kind == "extra_forbidden":
            return ", ".join(self._known())
        if kind == "literal_error":
            return ", ".join(map(str, _expected(self._fault)))
        if kind == "value_error":
            return ""
        nodes = _nodes_at(self._root, self._path)
        texts = [node["allowed"] for node in nodes if "allowed" in node]
        pattern = self._fault.get("ctx", {}).get("pattern", "")
        return str(texts[0]).rstrip(".") if texts else pattern

    def _quoted(self, kind: str) -> str:
        """What to write for a word that YAML reads as something else than text."""
        word = None if self.set_by else self._document.word_of(self._path)
        if kind != "string_type" or not word:
            return ""
        nodes = _nodes_at(self._root, self._path)
        texts = [node for node in nodes if node.get("type") == "string"]
        fits = any(re.search(node.get("pattern", ""), word) for node in texts)
        return f'in quotes: "{word}"' if fits else ""

    def _known(self) -> list[str]:
        nodes = _nodes_at(self._root, self._path[:-1])
        return sorted({name for node in nodes for name in node.get("properties", {})})


def _expected(fault: Any) -> list[str]:
    text = str(fault.get("ctx", {}).get("expected", ""))
    return [part.strip().strip("'") for part in text.replace(" or ", ", ").split(",")]


def _written(fault: Any, values: Any) -> Path_:
    """The field's path as the user wrote it: pydantic puts the branches of unions between."""
    missing = fault["type"] == "missing"
    found = _fit(fault["loc"], values, missing, whole=True)
    return found or _fit(fault["loc"], values, missing, whole=False) or ()


def _fit(parts: Path_, values: Any, missing: bool, whole: bool) -> Path_ | None:
    if not parts:
        return ()
    part, rest = parts[0], parts[1:]
    if missing and not rest:
        return parts if isinstance(values, dict) else None
    if _has(values, part):
        deeper = _fit(rest, values[part], missing, whole)
        if deeper is not None:
            return (part, *deeper)
    # not a field here: the name of a union's branch
    return _fit(rest, values, missing, whole) if rest or not whole else None


def _has(values: Any, part: str | int) -> bool:
    if isinstance(values, dict):
        return part in values
    return isinstance(values, list | tuple) and isinstance(part, int) and part < len(values)


def _short(value: object) -> str:
    text = masked(repr(value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _nodes_at(schema: Schema, path: Path_) -> list[Schema]:
    """Every schema that may describe a field; several where a union was given."""
    defs = schema.get("$defs", {})
    nodes = [schema]
    for part in path:
        nodes = [child for node in nodes for child in _children(node, part)]
        nodes = [branch for node in nodes for branch in _branches(node, defs)]
    return nodes


def _children(node: Schema, part: str | int) -> list[Schema]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    child = node.get("properties", {}).get(part)
    return [child] if child else []


def _branches(node: Schema, defs: Mapping[str, Schema]) -> list[Schema]:
    if "$ref" in node:
        return _branches(defs[str(node["$ref"]).rsplit("/", 1)[-1]], defs)
    either = [*node.get("anyOf", []), *node.get("oneOf", [])]
    if not either:
        return [node]
    own = [node] if "allowed" in node else []
    return own + [leaf for branch in either for leaf in _branches(branch, defs)]
