"""YAML text -> plain values, and where in the file each of them was written.

Safe YAML only, and not much of it (see `limits`). Three readings differ from YAML 1.1 because
they surprise: a key given twice is an error, a date stays text, and `1e-3` is a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mizzen.errors import InvalidProject
from mizzen.spec.limits import BYTES, refuse_excess

Path_ = tuple[str | int, ...]
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own attribute)
        first: [rule for rule in rules if rule[0] != _TIMESTAMP]
        for first, rules in _Base.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content as plain values; `line_of` finds where a field stands."""

    file: Path
    values: dict[str, Any]
    root: yaml.Node

    def word_of(self, path: Path_) -> str | None:
        """A field's text as it stands in the file; None when it is quoted, or no single word."""
        node = self.root
        for part in path:
            found = _child(node, part)
            if found is None:
                return None
            node = found[0]
        plain = isinstance(node, yaml.ScalarNode) and not node.style
        return str(node.value) if plain else None

    def line_of(self, path: Path_) -> int:
        """The line of a field, or of the nearest field around it that was written."""
        node, line = self.root, 1
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            node, line = found
        return line


def read(file: Path, next_step: str) -> Document:
    """Read one mapping.

    Args:
        next_step: what to do when there is no such file.

    Raises:
        InvalidProject: no file, not UTF-8, no YAML, empty, no mapping, or a key given twice.
    """
    text = _text(file, next_step)
    try:
        refuse_excess(text, file.name, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise _no_yaml(file, error) from None
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        _refuse_twice(file, root, set())
        values = None if root is None else loader.construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _no_yaml(file, error) from None
    finally:
        loader.dispose()
    if root is None:
        raise InvalidProject(f"{file.name} is empty", given=file, next_step=next_step)
    if not isinstance(values, dict):
        raise InvalidProject(
            f"{file.name}:{root.start_mark.line + 1}: the file holds no mapping",
            given=type(values).__name__,
            allowed="fields such as `name: my-project`",
            next_step=f"fix {file}",
        )
    return Document(file, values, root)


def scalar(text: str) -> Any:
    """One value as it would be read in a file: `0.01`, `true`, `[a, b]`, `{a: 1}`.

    Raises:
        InvalidProject: a value that no file may hold.
    """
    try:
        refuse_excess(text, "", _Loader)
    except yaml.YAMLError:
        return text
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except (yaml.YAMLError, ValueError):
        return text
    finally:
        loader.dispose()


def _text(file: Path, next_step: str) -> str:
    try:
        with file.open("rb") as content:
            text = content.read(BYTES + 1)
        if len(text) > BYTES:
            raise InvalidProject(
                f"{file} is too large for a description",
                allowed=f"at most {BYTES:,} bytes",
                next_step="keep data in files, and name them in the description",
            )
        return text.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidProject(
            f"no {file.name} in {file.parent}", given=file, next_step=next_step
        ) from None
    except UnicodeDecodeError as error:
        raise _no_yaml(file, error) from None
    except OSError as error:
        raise InvalidProject(
            f"{file} cannot be read", given=error.strerror, next_step="see its permissions"
        ) from None


def _no_yaml(file: Path, error: Exception) -> InvalidProject:
    mark = getattr(error, "problem_mark", None)
    where = f"{file.name}:{mark.line + 1}:{mark.column + 1}" if mark else file.name
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    return InvalidProject(f"{where}: not YAML: {problem}", next_step=f"fix {file}")


def _refuse_twice(file: Path, node: yaml.Node | None, seen: set[int]) -> None:
    # an anchored node is met once, however often it is used
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))
    first: dict[str, int] = {}
    for entry in node.value:
        key, value = entry if isinstance(node, yaml.MappingNode) else (None, entry)
        if key is not None and isinstance(key.value, str) and key.value != "<<":
            line = key.start_mark.line + 1
            if key.value in first:
                raise InvalidProject(
                    f"{file.name}:{line}: {key.value}: the key is given twice",
                    given=f"first on line {first[key.value]}, again on line {line}",
                    next_step="remove one of them",
                )
            first[key.value] = line
        _refuse_twice(file, value, seen)


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and part in range(len(node.value)):
        value = node.value[int(part)]
        return value, value.start_mark.line + 1
    return None
