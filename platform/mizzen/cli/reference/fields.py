"""`spec.md`: every field of mizzen.yaml, of a profile and of a demo, from their JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mizzen.spec.schema import MODELS

Schema = Mapping[str, Any]
_HEAD = """\
# Fields

Generated from the JSON Schemas by `python -m mizzen.cli.reference`. The schemas lie beside this
page ([`mizzen.yaml`](mizzen.schema.json), [profiles](profile.schema.json),
[`demo.yaml`](demo.schema.json)); an editor that knows them completes fields. A field that is not
listed is an error.
"""
_TITLES = {
    "mizzen.schema.json": "`mizzen.yaml`",
    "profile.schema.json": "`profiles/<name>.yaml`",
    "demo.schema.json": "`demo.yaml`",
}
# Short words for the forms that a text may have; the page begins with what they mean.
_WORDS = {
    "lower-case letters, digits and underscores, a letter first": "name",
    "letters, digits and underscores, no digit first": "column",
    "`module:function` of a Python file beside mizzen.yaml": "function",
    "a whole number with a unit: s, m, h or d, as in `90d`": "duration",
    "an instant with zone, as in 2013-06-01T00:00:00-04:00; a date is midnight UTC": "instant",
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {} of them",
    "minLength": "not empty",
}


def fields_page() -> str:
    """The whole page."""
    parts = [_HEAD, _legend()]
    for name, model in MODELS.items():
        parts += _Sections(model.model_json_schema(by_alias=True)).page(_TITLES[name])
    return "\n".join(parts)


def fields() -> Iterator[tuple[str, Schema]]:
    """Every field of every file as `Section.field`, with its schema."""
    for model in MODELS.values():
        schema = model.model_json_schema(by_alias=True)
        for name, section in [(schema["title"], schema), *schema["$defs"].items()]:
            for field, inner in section.get("properties", {}).items():
                yield f"{name}.{field}", inner


def _legend() -> str:
    lines = ["| type | what it is |", "|---|---|"]
    lines += [f"| {word} | {form} |" for form, word in _WORDS.items()]
    return "\n".join(lines) + "\n"


class _Sections:
    """One file's sections, each where it is first used."""

    def __init__(self, schema: Schema) -> None:
        self._root, self._defs = schema, schema["$defs"]

    def page(self, title: str) -> Iterator[str]:
        """The root's fields, then a part for each section below it."""
        yield f"## {title}\n"
        yield from self._section(self._root)
        for path, name in self._below():
            yield f"### `{path}`{self._variant(name)}\n"
            yield from self._section(self._defs[name])

    def _section(self, section: Schema) -> Iterator[str]:
        if section.get("description"):
            yield section["description"] + "\n"
        required = section.get("required", ())
        lines = ["| field | type | default | meaning |", "|---|---|---|---|"]
        for field, inner in section["properties"].items():
            default = "required" if field in required else _default(inner)
            cells = (f"`{field}`", self._type(inner), default, _one_line(inner["description"]))
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        yield "\n".join(lines) + "\n"

    def _below(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        waiting = [("", self._root)]
        while waiting:
            path, section = waiting.pop(0)
            for field, inner in section["properties"].items():
                for name, suffix in self._sections_in(inner):
                    if name not in [known for _, known in found]:
                        below = f"{path}.{field}{suffix}".lstrip(".")
                        found.append((below, name))
                        waiting.append((below, self._defs[name]))
        return sorted(found, key=lambda pair: self._order(pair[0]))

    def _order(self, path: str) -> tuple[int, str]:
        top = path.partition(".")[0].removesuffix("[]")
        return list(self._root["properties"]).index(top), path

    def _sections_in(self, node: Schema, suffix: str = "") -> Iterator[tuple[str, str]]:
        if "$ref" in node:
            name = str(node["$ref"]).rsplit("/", 1)[-1]
            if "properties" in self._defs[name]:
                yield name, suffix
        for branch in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from self._sections_in(branch, suffix)
        if isinstance(node.get("items"), dict):
            yield from self._sections_in(node["items"], f"{suffix}[]")

    def _variant(self, name: str) -> str:
        """What tells one branch of a union from the others."""
        for field, inner in self._defs[name]["properties"].items():
            if "const" in inner and field != "apiVersion":
                return f" with `{field}: {json.dumps(inner['const']).strip(chr(34))}`"
        required = self._defs[name].get("required", ())
        return f" with `{required[0]}`" if name.endswith(("Source", "Step")) else ""

    def _type(self, node: Schema) -> str:
        if "$ref" in node:
            return "section"
        branches = (*node.get("anyOf", ()), *node.get("oneOf", ()))
        if branches:
            kinds = dict.fromkeys(self._type(b) for b in branches if b.get("type") != "null")
            return " or ".join(kinds)
        if "enum" in node or "const" in node:
            return ", ".join(f"`{json.dumps(v).strip(chr(34))}`" for v in _values(node))
        if node.get("type") == "array":
            return _bounded(node, f"list of {self._plural(node['items'])}")
        form = node.get("allowed")
        return _WORDS.get(str(form), str(form)) if form else _bounded(node, _PLAIN[node["type"]])

    def _plural(self, item: Schema) -> str:
        kind = self._type(item)
        return f"{kind}s" if kind in {"section", "text", *_WORDS.values()} else kind


_PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "mapping",
    "null": "null",
}


def _values(node: Schema) -> list[Any]:
    return list(node["enum"]) if "enum" in node else [node["const"]]


def _bounded(node: Schema, kind: str) -> str:
    bounds = [text.format(node[name]) for name, text in _BOUNDS.items() if name in node]
    return ", ".join([kind, *bounds])


def _default(node: Schema) -> str:
    default = node.get("default")
    if default is None or default in ([], {}, ""):
        return "none"
    if isinstance(default, dict):
        return "its defaults"
    return f"`{json.dumps(default)}`".replace('"', "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
