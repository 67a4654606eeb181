"""What a description may not hold, seen in its stream of YAML events before anything is built.

An alias costs a line and may stand for a gigabyte, so nodes are counted as if aliases were
written out. Words on which YAML 1.1 and 1.2 disagree are refused rather than read in one of the
two ways: `NO` is Norway to one reader and `false` to another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from mizzen.errors import InvalidProject

BYTES = 1 << 20
NODES = 20_000  # values and keys, aliases written out
DEPTH = 40
_DIGITS = 40  # characters of a number

_TRUTH = re.compile(r"^(yes|no|on|off)$", re.IGNORECASE)
_NUMBER = re.compile(
    r"^[-+]?(0[0-9][0-9_]*|[0-9][0-9_]*_[0-9_]*|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$"
)
_DIGITAL = re.compile(r"^[-+]?(0[xb][0-9a-fA-F_]+|[0-9_.]+([eE][-+]?[0-9]+)?)$")
_NO_NUMBER = re.compile(r"^([-+]?\.inf|\.nan)$", re.IGNORECASE)
_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "seq", "map")
)


@dataclass(slots=True)
class _Collection:
    """An open list or mapping; `begun` is the number of nodes before it."""

    anchor: str | None
    begun: int
    mapping: bool
    depth: int = 1
    key: str | None = None
    entries: int = 0


@dataclass(slots=True)
class _Walk:
    """Counts one document, event by event; `name` is what its errors begin with."""

    name: str
    nodes: int = 0
    open: list[_Collection] = field(default_factory=list)
    known: dict[str, tuple[int, int]] = field(default_factory=dict)  # anchor -> nodes, depth

    def see(self, event: Any) -> None:
        if isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)

    def _node(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            nodes, depth = self._expanded(event)
        else:
            nodes, depth = 1, int(isinstance(event, yaml.CollectionStartEvent))
            self._tag(event)
        self.nodes += nodes
        self._bound(event, "values", self.nodes, NODES)
        self._bound(event, "levels", len(self.open) + depth, DEPTH)
        if self.open:
            self.open[-1].depth = max(self.open[-1].depth, depth + 1)
        self._enter(event)

    def _enter(self, event: Any) -> None:
        parent = self.open[-1] if self.open else None
        if isinstance(event, yaml.ScalarEvent):
            if parent is not None and parent.mapping and parent.entries % 2 == 0:
                parent.key = event.value
            _refuse_word(self._where(event), event)
            if event.anchor:
                self.known[event.anchor] = (1, 0)
        if parent is not None:
            parent.entries += 1
        if isinstance(event, yaml.CollectionStartEvent):
            mapping = isinstance(event, yaml.MappingStartEvent)
            self.open.append(_Collection(event.anchor, self.nodes - 1, mapping))
            self.known.pop(event.anchor or "", None)  # known again when it is whole

    def _close(self) -> None:
        done = self.open.pop()
        if done.anchor:
            self.known[done.anchor] = (self.nodes - done.begun, done.depth)
        if self.open:
            self.open[-1].depth = max(self.open[-1].depth, done.depth + 1)

    def _expanded(self, event: Any) -> tuple[int, int]:
        if event.anchor in self.known:
            return self.known[event.anchor]
        raise InvalidProject(
            f"{self._where(event)}*{event.anchor} stands for nothing that is whole",
            allowed="an anchor (&name) that ends before its alias (*name)",
            next_step="write the value out",
        )

    def _tag(self, event: Any) -> None:
        if event.tag not in {None, "!", *_TAGS}:
            raise InvalidProject(
                f"{self._where(event)}the tag {event.tag} is not allowed",
                allowed="plain values, lists and mappings",
                next_step="remove the tag",
            )

    def _bound(self, event: Any, what: str, found: int, most: int) -> None:
        if found > most:
            raise InvalidProject(
                f"{self._where(event)}a description holds at most {most:,} {what}",
                given=f"at least {found:,}, with its aliases written out",
                next_step="keep data in files, and name them in the description",
            )

    def _where(self, event: Any) -> str:
        # the entry of an outer list is counted already when its own entries are seen
        last = len(self.open) - 1
        inner = [
            c.key if c.mapping else str(c.entries - (i < last)) for i, c in enumerate(self.open)
        ]
        path = ".".join(part for part in inner if part is not None)
        line = f"{self.name}:{event.start_mark.line + 1}: " if self.name else ""
        return f"{line}{path}: " if path else line


def refuse_excess(text: str, name: str, loader: Any) -> None:
    """See that a text is small, and means one thing.

    Args:
        name: of the file, for errors; empty for a value of the command line.
        loader: PyYAML's class of loader.

    Raises:
        InvalidProject: too large, too deep, an alias of what is not whole, a foreign tag, or a
            word that versions of YAML read differently.
        yaml.YAMLError: no YAML.
    """
    walk = _Walk(name)
    for event in yaml.parse(text, Loader=loader):
        walk.see(event)


def _refuse_word(where: str, event: Any) -> None:
    word = event.value
    if not event.implicit[0] or event.tag not in {None, "!"}:  # quoted, or tagged
        return
    short = word if len(word) <= _DIGITS else f"{word[:_DIGITS]}…"
    if len(word) > _DIGITS and _DIGITAL.match(word):
        message, allowed = "a number of this length loses digits", "quotes, where it is a text"
    elif _TRUTH.match(word):
        truth = "true" if word.lower() in {"yes", "on"} else "false"
        message = "a boolean in one version of YAML and text in another"
        allowed = f'"{word}" in quotes for the word, {truth} for the truth value'
    elif _NUMBER.match(word):
        message = "a number that versions of YAML read differently"
        allowed = f'"{word}" in quotes for the text; a number in plain decimal digits'
    elif _NO_NUMBER.match(word) or _overflows(word):
        message, allowed = "no finite number", f'a finite number, or "{short}" in quotes'
    else:
        return
    raise InvalidProject(f"{where}{short} is {message}", allowed=allowed, next_step="quote it")


def _overflows(word: str) -> bool:
    if len(word) > _DIGITS or not _DIGITAL.match(word):
        return False
    try:
        number = float(word)
    except ValueError:
        return False
    return number in {float("inf"), float("-inf")}
