"""`mizzen.yaml`: everything that the platform knows about a project."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from mizzen.spec.columns import Section
from mizzen.spec.data import Data, Expectation, Label
from mizzen.spec.features import Features
from mizzen.spec.operation import Monitoring, Retraining, Serving
from mizzen.spec.training import Evaluation, Gate, SplitByKey, SplitByTime, Trainer

API_VERSION = "mizzen.dev/v1"
Task = Literal["binary", "multiclass", "regression"]


class ProjectSpec(Section):
    """One project. It says what; a profile says where."""

    api_version: Literal["mizzen.dev/v1"] = Field(alias="apiVersion")
    kind: Literal["Project"]
    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"),
        Field(description="lower-case letters, digits and hyphens, a letter first, up to 40"),
    ]
    description: str = ""
    task: Task
    data: Data
    expectations: tuple[Expectation, ...] = ()
    features: Features
    label: Label
    split: Annotated[SplitByTime | SplitByKey, Field(discriminator="by")]
    trainer: Trainer
    evaluation: Evaluation
    gate: Gate = Gate()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()
    retraining: Retraining = Retraining()

    @model_validator(mode="after")
    def _consistent(self) -> ProjectSpec:
        inputs = {column.name for column in self.features.inputs}
        if self.label.column in inputs:
            raise ValueError(
                f"features contain the label {self.label.column!r}: the model would be "
                "shown the answer; remove it from `features`"
            )
        if self.label.time is not None and self.label.time in inputs:
            raise ValueError(f"features contain the label's time {self.label.time!r}; remove it")
        if self.data.event_time is None:
            if self.split.by == "time":
                raise ValueError("`split.by: time` needs `data.event_time`")
            if self.features.used_views:
                raise ValueError("feature views need `data.event_time`")
        return self
