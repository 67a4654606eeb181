"""Where the rows come from, what they must satisfy, and which column is learnt."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, StringConstraints, Tag, model_validator

from mizzen.spec.columns import Column, Duration, FunctionRef, Name, Section

Sign = Annotated[str, StringConstraints(min_length=1, max_length=1)]


class FileSource(Section):
    """One table from files: CSV or Parquet, a path or a glob relative to the project."""

    path: str = Field(description="a path or a glob, relative to the project")
    format: Literal["csv", "parquet"] | None = Field(
        default=None, description="by the file's ending when absent"
    )
    delimiter: Sign = Field(default=",", description="CSV: what stands between two fields")


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


class SourceColumn(Section):
    """How a column of the rows is read, where its use does not say it, and its name there.

    Texts of a file or a frame are read by `kind`; what has a type of its own already (in Parquet
    or in a frame) keeps its value. A column of several types is made text by `text`. A column of
    which neither its use nor `kind` says anything stays text.
    """

    name: Column = Field(description="the column's name in this description and in requests")
    source: Column | None = Field(
        default=None, description="its name in the data, where that is another one"
    )
    kind: Literal["text", "number", "instant"] | None = Field(
        default=None,
        description="what its texts are; by its use when absent: a number feature is a number, "
        "the event time an instant, all others are text",
    )
    decimal: Sign | None = Field(default=None, description="as `data.decimal`, for this column")
    thousands: Sign | None = Field(default=None, description="as `data.thousands`, for this column")
    nulls: tuple[str, ...] | None = Field(
        default=None, description="as `data.nulls`, for this column"
    )


class Data(Section):
    """The rows of the project: one row is one prediction.

    Texts are read as the description says, never by their looks: `02116` in a category is
    `02116`. Only an empty field is null.
    """

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
    columns: tuple[SourceColumn, ...] = Field(
        default=(), description="columns of the rows that need more said about how they are read"
    )
    nulls: tuple[str, ...] = Field(
        default=(), description="texts that mean null beside the empty one, such as `NA` or `-`"
    )
    decimal: Sign = Field(default=".", description="the sign before the fraction of a number")
    thousands: Sign | None = Field(
        default=None, description="the sign between groups of three digits; none when absent"
    )

    @model_validator(mode="after")
    def _columns(self) -> Data:
        for field in ("name", "source"):
            given = [getattr(column, field) for column in self.columns]
            twice = sorted({name for name in given if name and given.count(name) > 1})
            if twice:
                raise ValueError(f"`columns` has the {field} {twice[0]!r} twice")
        for column in (None, *self.columns):
            if self.decimal_of(column) == self.thousands_of(column):
                raise ValueError("`decimal` and `thousands` are the same sign")
        return self

    def decimal_of(self, column: SourceColumn | None) -> str:
        """The decimal sign of a column; None stands for those without an entry."""
        return (column.decimal if column else None) or self.decimal

    def thousands_of(self, column: SourceColumn | None) -> str | None:
        """The thousands sign of a column, if it has one."""
        return (column.thousands if column else None) or self.thousands

    def nulls_of(self, column: SourceColumn | None) -> tuple[str, ...]:
        """The texts that are null in a column, beside the empty one."""
        own = column.nulls if column else None
        return self.nulls if own is None else own


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

    positive: str | bool | int | float | None = Field(
        default=None,
        description="binary: the class whose probability is predicted; when absent the larger of "
        "two numbers, or `true`; two other classes need it",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_of(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("time") and value.get("delay"):
            raise ValueError("give `time` or `delay`, not both")
        return value
