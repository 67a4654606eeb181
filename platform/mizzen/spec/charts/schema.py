"""values.schema.json: what Helm checks before it renders anything."""

from __future__ import annotations

import json
from typing import Any

from mizzen.spec.charts.section import Values

Node = dict[str, Any]
# what a parent chart would pass on; we take nothing from there
_GLOBAL: Node = {
    "description": "not used; whatever is put here is an error, so that it is not lost in silence",
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}


def schema_of(model: type[Values]) -> str:
    """The file's text."""
    schema = model.model_json_schema(by_alias=True)
    schema.pop("description", None)  # the README's beginning
    schema["properties"]["global"] = _GLOBAL
    for node in (schema, *schema.get("$defs", {}).values()):
        _close(node)
    top = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(top | schema, indent=2, ensure_ascii=False) + "\n"


def _close(section: Node) -> None:
    """A section that somebody set to null would be seen by templates only: ask for all that has
    a default. One null more in a type is easier to read in an error than two branches."""
    properties = section.get("properties", {})
    nullable = [name for name, node in properties.items() if _nullable(node)]
    for name, node in properties.items():
        node.pop("title", None)
        if "$ref" in node:
            node.pop("default", None)  # its fields have theirs
        properties[name] = _explained(_simple(node))
    optional = {"global", *nullable}
    required = [name for name in properties if name not in optional]
    section.pop("required", None)
    section.pop("title", None)
    if required:
        section["required"] = required


def _simple(node: Node) -> Node:
    """`anyOf: [{type: integer, ...}, {type: null}]` -> `type: [integer, null], ...`: shorter in an
    error. What is asked of one type says nothing about a value of another."""
    branches = [_simple(branch) for branch in node.get("anyOf", [])]
    if not branches or not all("type" in branch for branch in branches):
        return node
    merged = {name: value for branch in branches for name, value in branch.items()}
    rest = {name: value for name, value in node.items() if name != "anyOf"}
    return {**merged, **rest, "type": [kind for branch in branches for kind in _kinds(branch)]}


def _kinds(node: Node) -> list[str]:
    kinds = node["type"]
    return [kinds] if isinstance(kinds, str) else kinds


def _explained(node: Node) -> Node:
    """Helm's errors show what a failed `const` wanted: the one way to say there what to do when
    somebody gives a text. It is never accepted, as the type is asked for beside it."""
    if "instead_of_text" not in node:
        return node
    rest = dict(node)
    said = {"if": {"type": "string"}, "then": {"const": rest.pop("instead_of_text")}}
    return {"allOf": [{"type": rest.pop("type")}, said], **rest}


def _nullable(node: Node) -> bool:
    return {"type": "null"} in node.get("anyOf", [])
