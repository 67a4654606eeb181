"""README.md of a chart: the model's docstring, then a table of every value."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

from mizzen.spec.charts.section import Entry, Values, all_fields
from mizzen.spec.charts.values import plain_of

_MADE = "Generated from `mizzen.spec.charts` by `python -m mizzen.spec.charts`.\n"
_HEAD = "| value | default | allowed | meaning |\n|---|---|---|---|"
_BOUNDS = {"minimum": "from {}", "maximum": "to {}", "minLength": "not empty"}
_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true`, `false`",
    "object": "a mapping",
    "array": "a list",
}
Node = dict[str, Any]


def readme_of(chart: str, model: type[Values]) -> str:
    """The file's text."""
    intro = inspect.cleandoc(model.__doc__ or "")
    parts = [f"# {chart}\n", _MADE, intro + "\n", "## Values\n", _HEAD, *_rows(model)]
    return "\n".join(parts) + "\n"


def _rows(model: type[Values]) -> Iterator[str]:
    schema = model.model_json_schema(by_alias=True)
    for field in all_fields(model):
        node = _node(schema, field.path)
        if field.section is not None:
            cells = [f"**`{field.dotted}`**", "", "", _meaning(field)]
        else:
            cells = [f"`{field.dotted}`", _default(field), _allowed(node, schema), _meaning(field)]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: Entry) -> str:
    if field.required:
        return "required"
    plain = plain_of(field.default)
    return "" if plain in (None, "", [], {}) else f"`{json.dumps(plain)}`"


def _meaning(field: Entry) -> str:
    text = " ".join(str(field.info.description).split())
    shown = [f"`{json.dumps(plain_of(example))}`" for example in field.info.examples or ()]
    return f"{text}; as in {', '.join(shown)}" if shown else text


def _allowed(node: Node, schema: Node) -> str:
    if "allowed" in node:
        return str(node["allowed"])
    if "enum" in node or "const" in node:
        values = node.get("enum", [node.get("const")])
        return ", ".join(f"`{value}`" for value in values)
    branches = [b for b in node.get("anyOf", ()) if b.get("type") != "null"]
    if branches:
        return " or ".join(dict.fromkeys(_allowed(_real(b, schema), schema) for b in branches))
    bounds = [text.format(node[name]) for name, text in _BOUNDS.items() if name in node]
    return ", ".join([_KINDS[node["type"]], *bounds])


def _node(schema: Node, path: tuple[str, ...]) -> Node:
    node = schema
    for part in path:
        node = _real(node["properties"][part], schema)
    return node


def _real(node: Node, schema: Node) -> Node:
    """What a `$ref` stands for, with what is said beside it."""
    if "$ref" not in node:
        return node
    return {**schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], **node}
