"""How the columns of the rows are read and kept, from the whole description.

The snapshot step gets this as one section: its result depends on nothing else of the features,
the label, the split.
"""

from __future__ import annotations

from pydantic import Field

from mizzen.spec.columns import Column, Section
from mizzen.spec.project import ProjectSpec


class Reading(Section):
    """`numbers` and `instants`: columns whose texts are read so. `names`: columns that are kept
    as the canonical texts of their values, with their type in the source kept beside them. A
    number that is also a name is kept as number."""

    numbers: tuple[Column, ...] = Field(default=(), description="columns of numbers")
    instants: tuple[Column, ...] = Field(default=(), description="columns of instants")
    names: tuple[Column, ...] = Field(default=(), description="columns of names")


def reading_of(spec: ProjectSpec, labelled: bool = True) -> Reading:
    """The reading of a project's rows.

    Args:
        labelled: false for rows to predict, whose label is not looked at.
    """
    declared = {column.name: column.kind for column in spec.data.columns}
    numbers = _numbers(spec, labelled)
    instants = [spec.data.event_time, spec.label.time if labelled else None]
    instants += [name for name, kind in declared.items() if kind == "instant"]
    timed = {name: None for name in instants if name is not None}
    read_as_numbers = [name for name, kind in declared.items() if kind == "number"]
    names = [name for name in _names(spec, labelled) if name not in {*numbers, *timed}]
    return Reading(
        numbers=tuple(dict.fromkeys([*numbers, *read_as_numbers])),
        instants=tuple(timed),
        names=tuple(dict.fromkeys(names)),
    )


def _numbers(spec: ProjectSpec, labelled: bool) -> list[str]:
    """What is used as a number."""
    numbers = [column.name for column in spec.features.columns if column.kind == "number"]
    return numbers + ([spec.label.column] if labelled and spec.task == "regression" else [])


def _names(spec: ProjectSpec, labelled: bool) -> list[str]:
    """What is known by name."""
    names = [*spec.data.key]
    names += [name for view in spec.features.used_views for name in view.entity]
    names += [column.name for column in spec.features.columns if column.kind == "category"]
    names += spec.split.group if spec.split.by == "key" else ()
    return names + ([spec.label.column] if labelled and spec.task != "regression" else [])
