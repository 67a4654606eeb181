"""Where the rows come from, what they must satisfy, and which column is learnt."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from mizzen.spec.columns import Column, Duration, FunctionRef, Name, Section


class FileSource(Section):
    """One table from files: CSV or Parquet, a path or a glob relative to the project."""

    path: str = Field(description="a path or a glob, relative to the project")
    format: Literal["csv", "parquet"] | None = Field(
        default=None, description="by the file's ending when absent"
    )


class PythonSource(Section):
    """Tables from the project's own code.

    The function takes no argument and returns a DataFrame, or a mapping of table name to
    DataFrame. It runs again when its code or one of its inputs changed. Files that change while
    it runs fail the run.
    """

    python: FunctionRef = Field(description="the function that returns the tables")
    inputs: tuple[str, ...] = Field(
        default=(),
        description="what the function, or the project's own trainer, reads: paths or globs "
        "relative to the project, or `package:NAME` for an installed package's version. When one "
        "of them changes, the data is read and the model trained again",
    )


def _kind(value: Any) -> str:
    # one branch only, so that a fault is told once and in the words of what was meant
    if isinstance(value, dict):
        return "python" if {"python", "inputs"} & set(value) else "file"
    return "python" if isinstance(value, PythonSource) else "file"


Source = Annotated[
    Annotated[FileSource, Tag("file")] | Annotated[PythonSource, Tag("python")],
    Discriminator(_kind),
]


class Data(Section):
    """The rows of the project: one row is one prediction."""

    source: Source = Field(
        description="`path` (and `format`) of files, or `python` (and `inputs`) of a function"
    )
    rows: Name = Field(
        default="rows", description="name of the table whose rows are predicted, if several"
    )
    key: tuple[Column, ...] = Field(min_length=1, description="columns that identify a row")
    event_time: Column | None = Field(
        default=None,
        description="column with the instant, with zone, at which a row is predicted; nothing "
        "that became known later may be used for it",
    )


class Expectation(Section):
    """One Great Expectations expectation, by its class name, on the table of rows."""

    expect: Annotated[str, Field(pattern=r"^Expect[A-Z][A-Za-z]+$")] = Field(
        description="the expectation's class in Great Expectations"
    )
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict, description="the expectation's own arguments, such as `column`"
    )
    table: Name | None = Field(
        default=None, description="another table of the source; the rows when absent"
    )
    severity: Literal["critical", "warning"] = Field(
        default="critical",
        description="`critical` stops the run before training; `warning` is counted and kept",
    )


class Label(Section):
    """The column that is learnt and when it becomes known.

    A row whose label is null is not trained or evaluated on; it is counted in the run's
    figures, and it is still predicted when it arrives at the service.
    """

    column: Column = Field(description="the column that is learnt")
    time: Column | None = Field(
        default=None, description="column with the instant at which the label became known"
    )
    delay: Duration | None = Field(
        default=None,
        description="how long after the event time the label is known, where no column tells; at "
        "once when both are absent",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_of(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("time") and value.get("delay"):
            raise ValueError("give `time` or `delay`, not both")
        return value
