"""Columns and tables as a project describes them. Shared by data, features and serving."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$"),
    Field(
        json_schema_extra={"allowed": "lower-case letters, digits and underscores, a letter first"}
    ),
]
Column = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    Field(json_schema_extra={"allowed": "the column's name as it stands in the data"}),
]
FunctionRef = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"),
    Field(json_schema_extra={"allowed": "`module:function` of a Python file beside mizzen.yaml"}),
]
Duration = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]*(s|m|h|d)$"),
    Field(json_schema_extra={"allowed": "a whole number with a unit: s, m, h or d, as in `90d`"}),
]
ColumnKind = Literal["number", "category"]


class Section(BaseModel):
    """Base of every section: unknown fields are errors, values do not change once read.

    A field's `description` says what it means. What a type allows, where its schema does not say
    it in words, stands in the type's schema as `allowed`; errors show that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureColumn(Section):
    """One input of the model.

    `number` is float64 (integers and booleans are widened), null allowed; `category` is a
    name, null allowed (docs/reference/values.md: which value has which name); a category that
    training never saw is encoded as unknown.
    """

    name: Column = Field(description="the column's name")
    kind: ColumnKind = Field(default="number", description="a number, or one of several names")
    required: bool = Field(
        default=True,
        description="a request without this column is refused; otherwise it counts as null",
    )
