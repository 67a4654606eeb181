"""The records that signatures name, and each as a part of a page.

Annotations are text, and their names are imported for the type checker alone, so that a call loads
nothing that it does not need: here they are looked up.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, get_args

from mizzen.cli.reference.docstrings import read_docstring

_NAME = re.compile(r"\b[A-Z]\w+")


def records_of(functions: Iterable[Callable[..., Any]]) -> set[type]:
    """The dataclasses and enumerations of Mizzen that the annotations of these functions name,
    and those that the fields and properties of these name in turn."""
    waiting = [record for function in functions for record in _named_by(function)]
    found: set[type] = set()
    while waiting:
        record = waiting.pop()
        if record not in found:
            found.add(record)
            waiting += _named_by(record)
            waiting += [base for base in record.__bases__ if _is_record(base)]
            waiting += [r for getter in _getters(record).values() for r in _named_by(getter)]
    return found


def record_part(record: type) -> str:
    """What a record means, then its fields with their types; of an enumeration its values."""
    head = f"### `{record.__name__}`\n\n{read_docstring(record).text}\n"
    if issubclass(record, Enum):
        return f"{head}\nOne of {', '.join(f'`{value.value}`' for value in record)}.\n"
    bases = ", ".join(base.__name__ for base in record.__bases__ if _is_record(base))
    title = f"class {record.__name__}({bases}):" if bases else f"class {record.__name__}:"
    own = inspect.get_annotations(record)
    lines = [f"{name}: {_kind(annotation)}" for name, annotation in own.items()]
    for name, getter in _getters(record).items():
        kind = _kind(inspect.signature(getter).return_annotation)
        lines.append(f"{name}: {kind}  # {read_docstring(getter).text}")
    body = "\n".join([title, *(f"    {line}" for line in lines)])
    return f"{head}\n```python\n{body}\n```\n"


def _kind(annotation: object) -> str:
    return str(annotation).replace("'", '"')  # as ruff writes the code of a page


def _getters(record: type) -> dict[str, Callable[..., Any]]:
    """The functions of the properties that a class itself has, by name."""
    own = {name: value for name, value in vars(record).items() if isinstance(value, property)}
    return {name: value.fget for name, value in own.items() if value.fget is not None}


def _named_by(owner: Any) -> Iterator[type]:
    module = import_module(owner.__module__)
    for annotation in inspect.get_annotations(owner).values():
        for name in _NAME.findall(str(annotation)):
            yield from _records_in(_resolve(name, module))


def _records_in(value: Any) -> Iterator[type]:
    """The records of an alias: `Callable[[StepEvent], None]` names one."""
    if _is_record(value):
        yield value
    for part in value if isinstance(value, list) else get_args(value):
        yield from _records_in(part)


def _is_record(value: Any) -> bool:
    if not (isinstance(value, type) and value.__module__.startswith("mizzen")):
        return False
    return is_dataclass(value) or issubclass(value, Enum)


def _resolve(name: str, module: ModuleType) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    home = _imported_for_types(module).get(name)
    return None if home is None else getattr(import_module(home), name)


@cache
def _imported_for_types(module: ModuleType) -> dict[str, str]:
    """Name -> the module of ours that it comes from, for every import of a module's text."""
    imports = (
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mizzen")
    )
    return {alias.name: str(node.module) for node in imports for alias in node.names}
