"""values.schema.json: what Helm checks before it renders anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    partial = set(_partial(schema, schema.get("$defs", {})))
    for name, section in (("", schema), *schema.get("$defs", {}).items()):
        section.pop("title", None)
        section["properties"] = {n: _tidy(node) for n, node in section["properties"].items()}
        if name not in partial:
            _ask_for_all(section)
    top = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(top | schema, indent=2, ensure_ascii=False) + "\n"


def _partial(node: Any, defs: Node, inside: bool = False) -> Iterator[str]:
    """Sections that stand in lists or in place of null: values.yaml has no defaults for them."""
    if isinstance(node, list):
        for item in node:
            yield from _partial(item, defs, inside)
    if not isinstance(node, dict):
        return
    if inside and "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        yield name
        yield from _partial(defs[name], defs, inside)
    for key, value in node.items():
        if key not in ("default", "examples"):
            yield from _partial(value, defs, inside or key in ("items", "anyOf"))


def _ask_for_all(section: Node) -> None:
    """A section that somebody set to null would be missed by templates only: say so before."""
    nodes = section["properties"].items()
    section["required"] = [n for n, node in nodes if n != "global" and not _nullable(node)]


def _nullable(node: Node) -> bool:
    kinds = [node, *node.get("anyOf", ()), *node.get("allOf", ())]
    return any("null" in _kinds(kind) for kind in kinds)


def _tidy(node: Node) -> Node:
    node.pop("title", None)
    if "$ref" in node:
        node.pop("default", None)  # its fields have theirs
    return _explained(_simple(node))


def _simple(node: Node) -> Node:
    """`anyOf: [{type: integer, ...}, {type: null}]` -> `type: [integer, null], ...`: shorter in an
    error. What is asked of one type says nothing about a value of another."""
    branches = [_simple(branch) for branch in node.get("anyOf", [])]
    if not branches or not all(_kinds(branch) for branch in branches):
        return node
    merged = {name: value for branch in branches for name, value in branch.items()}
    rest = {name: value for name, value in node.items() if name != "anyOf"}
    return {**merged, **rest, "type": [kind for branch in branches for kind in _kinds(branch)]}


def _kinds(node: Node) -> list[str]:
    kinds = node.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _explained(node: Node) -> Node:
    """Helm's errors show what a failed `const` wanted: the one way to say there what to do when
    somebody gives a text. It is never accepted, as the type is asked for beside it."""
    if "instead_of_text" not in node:
        return node
    rest = dict(node)
    said = {"if": {"type": "string"}, "then": {"const": rest.pop("instead_of_text")}}
    return {"allOf": [{"type": rest.pop("type")}, said], **rest}
