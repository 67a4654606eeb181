"""One method or property as a part of a page: the call, what it does, its arguments and errors."""

from __future__ import annotations

import inspect
import json
from typing import Any

from mizzen.cli.reference.docstrings import Entries, read_docstring

WIDTH = 99  # of a call on one line


def member_part(call: str, member: Any) -> str:
    """The part, under the heading `call`, such as `project.run`."""
    said = read_docstring(function_of(member))
    parts = [f"### `{call}`\n", f"```python\n{_signature(call, member)}\n```\n", f"{said.text}\n"]
    if said.arguments:
        parts.append(_list(said.arguments))
    if said.errors:
        parts += ["Raises:\n", _list(said.errors)]
    return "\n".join(parts)


def function_of(member: Any) -> Any:
    """The function below a property, a class method or itself."""
    return member.fget if isinstance(member, property) else getattr(member, "__func__", member)


def _list(entries: Entries) -> str:
    return "".join(f"- `{name}`: {text}\n" for name, text in entries)


def _signature(call: str, member: Any) -> str:
    """The call with types and defaults; one parameter a line where it is long."""
    signature = inspect.signature(function_of(member))
    if isinstance(member, property):
        return f"{call}: {signature.return_annotation}"
    own = list(signature.parameters.values())[1:]  # without `self` or `cls`
    keywords = [parameter.kind is parameter.KEYWORD_ONLY for parameter in own]
    words = [_parameter(parameter) for parameter in own]
    if any(keywords):
        words.insert(keywords.index(True), "*")
    line = f"{call}({', '.join(words)}) -> {signature.return_annotation}"
    if len(line) <= WIDTH:
        return line
    lines = "".join(f"    {word},\n" for word in words)
    return f"{call}(\n{lines}) -> {signature.return_annotation}"


def _parameter(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    text = f"{star}{parameter.name}: {parameter.annotation}"
    default = parameter.default
    if default is parameter.empty:
        return text
    return f"{text} = {json.dumps(default) if isinstance(default, str) else default}"
