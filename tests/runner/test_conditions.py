"""Conditions are decided, or they are errors; nothing in them is executed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mizzen.core.conditions import holds, names, parse
from mizzen.errors import StepFailed, Unsupported

A, B = (f"inputs.parameter_values['pipelinechannel--{name}']" for name in "ab")


def decide(expression: str, a: Any = None, b: Any = None) -> bool:
    return holds(expression, {"pipelinechannel--a": a, "pipelinechannel--b": b})


@pytest.mark.parametrize(
    ("expression", "a", "b", "answer"),
    [
        (f"{A} == true", True, None, True),
        (f"{A} == true", False, None, False),
        (f"{A} != false", True, None, True),
        (f"{A} > 0.5", 0.75, None, True),
        (f"{A} > 0.5", 1, None, True),
        (f"{A} <= -1e-3", -1, None, True),
        (f"int({A}) == 3", 3, None, True),
        (f"int({A}) == 3", 3.0, None, True),
        (f"double(int({A})) < {B}", 3, 3.5, True),
        (f"{A} == {B}", "x", "x", True),
        (f"{A} < 'b'", "a", None, True),
        (f"!({A} == true) && {B} == 'x'", False, "x", True),
        (f"!({A} == true) && !({B} == 'x')", False, "x", False),
        (f"!({A} == true) && {B} == 'x'", True, None, False),
    ],
)
def test_comparisons_are_decided(expression: str, a: Any, b: Any, answer: bool) -> None:
    assert decide(expression, a, b) is answer


@pytest.mark.parametrize(
    ("expression", "a"),
    [
        (f"{A} > 0.5", float("nan")),
        (f"{A} == 0.5", float("nan")),
        (f"{A} > 0.5", None),
        (f"{A} > 0.5", "0.7"),
        (f"{A} == true", 1),
        (f"{A} == 1", True),
        (f"{A} < true", False),
        (f"{A} == 'x'", 1),
        (f"{A} == 'x'", [1]),
    ],
)
def test_what_cannot_be_decided_is_an_error_that_names_the_expression(
    expression: str, a: Any
) -> None:
    with pytest.raises(StepFailed) as caught:
        decide(expression, a)
    assert expression in caught.value.message


def test_a_false_comparison_ends_the_question() -> None:
    assert decide(f"{A} == true && {B} > 1", False, None) is False


@given(st.text())
def test_any_string_compares_as_it_is_written_or_is_refused(text: str) -> None:
    expression = f"{A} == '{text}'"
    try:
        parse(expression)
    except Unsupported:
        return
    assert decide(expression, text) is True
    assert decide(expression, text + "x") is False


@pytest.mark.parametrize(
    "text", ["it's", 'a "b" \\ c', "x && y", "''", "__import__('os')", "{{$}}"]
)
def test_strings_with_quotes_and_signs_are_safe(text: str) -> None:
    assert decide(f"{A} == '{text}'", text) is True
    assert decide(f"!({A} == '{text}')", text) is False


@pytest.mark.parametrize(
    "expression",
    [
        f"{A} == 'x' && 'y' == 'y'",  # one string with quotes, or two comparisons?
        f"'{A}' == 'true'",  # the compiler quotes a reference: it would compare its own text
        f"{A} == nan",
        f"{A}",
        f"{A} == 1 || {A} == 2",
        "",
        "__import__('os').system('true')",
    ],
)
def test_what_has_no_single_reading_is_refused(expression: str) -> None:
    with pytest.raises(Unsupported) as caught:
        parse(expression)
    assert caught.value.given == expression


def test_names_lists_what_an_expression_reads() -> None:
    assert names(f"!({A} == 1) && {B} == 2") == {"pipelinechannel--a", "pipelinechannel--b"}
