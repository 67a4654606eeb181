"""Environment variables that a project's code reads."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from mizzen.spec.columns import Section

VariableName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,126}$"),
    Field(json_schema_extra={"allowed": "letters, digits and underscores, no digit first"}),
]


class Variable(Section):
    """One variable. Its value is taken when a run is submitted and belongs to the code: another
    value computes again, and a version is measured and served with the values of its training.

    A `secret` is taken from the environment wherever the code runs. It is never stored or shown;
    the run knows a salted digest, so that another secret computes again too.
    """

    name: VariableName = Field(description="the variable's name")
    default: str | None = Field(
        default=None, description="its value where it is not set; it must be set when absent"
    )
    secret: bool = Field(default=False, description="whether its value must not be stored")

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _possible(self) -> Variable:
        if self.name.startswith("MIZZEN_"):
            raise ValueError("names that begin with MIZZEN_ are Mizzen's own")
        if self.secret and self.default is not None:
            raise ValueError("a secret has no `default`: mizzen.yaml is no place for its value")
        return self
