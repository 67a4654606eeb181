"""The `Validator` port on Great Expectations' ephemeral context.

Called by the validate step. Expectations are judged once, in one pass per table; the failing
rows are looked up only for those that failed, because collecting them costs as much again.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mizzen.adapters.great_expectations.declare import check_columns, declare
from mizzen.adapters.great_expectations.names import by_name, numeric_names, with_numbers
from mizzen.adapters.great_expectations.observe import SHOWN, as_check, check_evaluated
from mizzen.core.place import Place
from mizzen.errors import InvalidData
from mizzen.ports.data import Check, Validator
from mizzen.spec.data import Expectation

if TYPE_CHECKING:
    import pandas as pd

    from mizzen.ports.data import Tables

os.environ["GX_ANALYTICS_ENABLED"] = "false"


class GreatExpectationsValidator(Validator):
    """Judges expectations in memory; nothing is written and nothing leaves the machine."""

    def __init__(self, place: Place) -> None:
        self._name = place.project

    def validate(
        self, tables: Tables, rows: str, expectations: Sequence[Expectation]
    ) -> list[Check]:
        """One check per expectation, in their order.

        Raises:
            InvalidProject: an unknown expectation, or an argument that it does not take.
            InvalidData: an expectation names a table or column that is not there, or cannot
                be evaluated on the column's values.
        """
        found: dict[int, Check] = {}
        for name, members in _by_table(expectations, rows).items():
            if name not in tables:
                raise _no_table(name, members, expectations, tables)
            frame = tables[name]
            mine = {number: by_name(expectations[number], frame) for number in members}
            for columns, group in _by_numbers(mine, frame).items():
                found |= self._judge(name, frame, columns, group)
        return [found[number] for number in range(len(expectations))]

    def _judge(
        self,
        table: str,
        frame: pd.DataFrame,
        numeric: tuple[str, ...],
        expectations: Mapping[int, Expectation],
    ) -> dict[int, Check]:
        declared = {number: declare(each, number) for number, each in expectations.items()}
        check_columns(table, frame, expectations.values())
        positioned = frame.reset_index(drop=True)  # Great Expectations names rows by index
        batch = _batch(table, with_numbers(positioned, numeric))
        results = _results(batch, list(declared.values()), "BASIC")
        for number, each in expectations.items():
            check_evaluated(table, each, results[number])
        # values are collected again, with their rows, where something was unexpected
        failed = [
            declared[number]
            for number, result in results.items()
            if not result.success and result.result.get("unexpected_count")
        ]
        results |= _results(batch, failed, "SUMMARY") if failed else {}
        return {
            number: as_check(table, each, results[number], positioned)
            for number, each in expectations.items()
        }


def _by_table(expectations: Sequence[Expectation], rows: str) -> dict[str, list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for number, expectation in enumerate(expectations):
        members[expectation.table or rows].append(number)
    return members


def _by_numbers(
    expectations: Mapping[int, Expectation], frame: pd.DataFrame
) -> dict[tuple[str, ...], dict[int, Expectation]]:
    """The expectations by the columns of names that they want as numbers."""
    groups: dict[tuple[str, ...], dict[int, Expectation]] = defaultdict(dict)
    for number, expectation in expectations.items():
        groups[numeric_names(expectation, frame)][number] = expectation
    return groups


def _batch(name: str, frame: pd.DataFrame) -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    whole = asset.add_batch_definition_whole_dataframe(name)
    return whole.get_batch({"dataframe": frame})


def _results(batch: Any, declared: list[Any], detail: str) -> dict[int, Any]:
    from great_expectations import ExpectationSuite

    suite = ExpectationSuite(name=detail, expectations=declared)
    judged = batch.validate(
        suite, result_format={"result_format": detail, "partial_unexpected_count": SHOWN}
    )
    return {result.expectation_config.meta["number"]: result for result in judged.results}


def _no_table(
    name: str, members: list[int], expectations: Sequence[Expectation], tables: Tables
) -> InvalidData:
    return InvalidData(
        f"{expectations[members[0]].expect} looks at {name!r}, a table that the source lacks",
        given=", ".join(tables),
        next_step="fix `table` of the expectation, or return that table from the source",
    )
