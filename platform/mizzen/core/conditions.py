"""Whether a task's condition holds, in the notation that the KFP compiler writes.

Runners ask before they start a task. Nothing is executed: the notation is parsed by the few
rules that the compiler follows. What cannot be decided (NaN, a value that is not there,
values of different kinds) is an error, never false.

The compiler writes strings between single quotes and escapes nothing, so a quote inside a
string is ambiguous; every reading is tried, and more than one that fits is an error.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mizzen.errors import StepFailed, Unsupported

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_OPERATOR = re.compile(r"\s*(==|!=|<=|>=|<|>)\s*")
_REFERENCE = re.compile(r"inputs\.parameter_values\['([^']+)'\]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_WORD = re.compile(r"(true|false)\b")
_CAST = re.compile(r"(int|double)\(")


@dataclass(frozen=True, slots=True)
class Reference:
    """A named value, perhaps cast to a number kind."""

    name: str
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number or boolean written in the expression."""

    value: str | float | bool


Operand = Reference | Literal


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison; `negated` for the branches that come after it."""

    left: Operand
    operator: str
    right: Operand
    negated: bool = False


Terms = tuple[Comparison, ...]


def parse(expression: str) -> Terms:
    """The comparisons that must all hold.

    Raises:
        Unsupported: the expression has no reading, or more than one.
    """
    length = len(expression)
    readings = {terms for terms, end in _terms(expression, 0) if end == length}
    if len(readings) != 1:
        raise Unsupported(
            "the condition has more than one reading" if readings else "unknown condition",
            given=expression,
            allowed="comparisons of parameters, outputs, numbers, booleans and strings",
            next_step="compare inside a step and branch on its boolean output",
        )
    return readings.pop()


def names(expression: str) -> frozenset[str]:
    """The names of the values that an expression compares."""
    operands = (side for term in parse(expression) for side in (term.left, term.right))
    return frozenset(side.name for side in operands if isinstance(side, Reference))


def holds(expression: str, values: Mapping[str, Any]) -> bool:
    """Whether every comparison is true; those after a false one are not looked at.

    Raises:
        StepFailed: a comparison cannot be decided.
    """
    return all(_true(term, values, expression) for term in parse(expression))


def _true(term: Comparison, values: Mapping[str, Any], expression: str) -> bool:
    left, right = (_value(side, values, expression) for side in (term.left, term.right))
    ordered = term.operator not in {"==", "!="}
    if _kind(left) != _kind(right) or (ordered and _kind(left) == "boolean"):
        raise _undecided(expression, f"{left!r} {term.operator} {right!r}")
    return _OPERATORS[term.operator](left, right) is not term.negated


def _value(side: Operand, values: Mapping[str, Any], expression: str) -> Any:
    if isinstance(side, Literal):
        return side.value
    value = values.get(side.name)
    if _kind(value) == "nothing" or (isinstance(value, float) and math.isnan(value)):
        raise _undecided(expression, f"{side.name} is {value!r}")
    if side.cast == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "nothing"


def _undecided(expression: str, given: str) -> StepFailed:
    return StepFailed(
        f"the condition cannot be evaluated: {expression}",
        given=given,
        allowed="two numbers that are not NaN, two strings, or two booleans (== and != only)",
        next_step="see what the step before it returned",
    )


def _terms(text: str, at: int) -> Iterator[tuple[Terms, int]]:
    for first, end in _term(text, at):
        yield (first,), end
        if text.startswith(" && ", end):
            for rest, last in _terms(text, end + 4):
                yield (first, *rest), last


def _term(text: str, at: int) -> Iterator[tuple[Comparison, int]]:
    negated = text.startswith("!(", at)
    for left, middle in _operand(text, at + 2 if negated else at):
        sign = _OPERATOR.match(text, middle)
        if sign is None:
            continue
        for right, end in _operand(text, sign.end()):
            if not negated:
                yield Comparison(left, sign[1], right), end
            elif text.startswith(")", end):
                yield Comparison(left, sign[1], right, negated=True), end + 1


def _operand(text: str, at: int) -> Iterator[tuple[Operand, int]]:
    if text.startswith("'", at):
        yield from _strings(text, at)
    elif cast := _CAST.match(text, at):
        for inner, end in _operand(text, cast.end()):
            if text.startswith(")", end):
                yield _cast(inner, cast[1]), end + 1
    elif reference := _REFERENCE.match(text, at):
        yield Reference(reference[1]), reference.end()
    elif word := _WORD.match(text, at):
        yield Literal(word[1] == "true"), word.end()
    elif number := _NUMBER.match(text, at):
        yield Literal(float(number[0])), number.end()


def _strings(text: str, at: int) -> Iterator[tuple[Operand, int]]:
    end = text.find("'", at + 1)
    while end != -1:
        content = text[at + 1 : end]
        # The compiler quotes a reference when it compares a number with a string; the text
        # of the reference would then be compared, so that is no reading.
        if "inputs.parameter_values[" not in content:
            yield Literal(content), end + 1
        end = text.find("'", end + 1)


def _cast(inner: Operand, kind: str) -> Operand:
    if isinstance(inner, Reference):
        return Reference(inner.name, inner.cast or kind)
    return inner
