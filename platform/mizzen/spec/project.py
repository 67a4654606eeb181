"""`mizzen.yaml`: everything that the platform knows about a project."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from mizzen.spec.columns import Section
from mizzen.spec.data import Data, Expectation, Label
from mizzen.spec.duration import to_timedelta
from mizzen.spec.environment import Variable
from mizzen.spec.features import Features
from mizzen.spec.operation import Monitoring, Retraining, Serving
from mizzen.spec.requirements import Requirements
from mizzen.spec.training import Evaluation, Gate, SplitByKey, SplitByTime, Trainer

Task = Literal["binary", "multiclass", "regression"]


class ProjectSpec(Section):
    """One project. It says what; a profile says where."""

    api_version: Literal["mizzen.dev/v1"] = Field(
        alias="apiVersion", description="version of this format"
    )
    kind: Literal["Project"] = Field(description="what this file is")
    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"),
        Field(
            json_schema_extra={
                "allowed": "lower-case letters, digits and hyphens, a letter first, up to 40"
            }
        ),
    ] = Field(description="the project's name: of its model, its service and its runs")
    description: str = Field(default="", description="one sentence for people")
    task: Task = Field(description="what is predicted: one of two classes, of many, a number")
    data: Data = Field(description="where the rows come from")
    expectations: tuple[Expectation, ...] = Field(
        default=(), description="what the rows must satisfy before anything is trained"
    )
    environment: tuple[Variable, ...] = Field(
        default=(),
        description="environment variables that the project's code reads, by name or as a mapping; "
        "it sees no others",
    )
    features: Features = Field(description="what the model sees")
    label: Label = Field(description="what the model learns")
    split: Annotated[SplitByTime | SplitByKey, Field(discriminator="by")] = Field(
        description="which rows are held out for evaluation"
    )
    dependencies: Requirements = Field(
        default=(),
        description="packages that the project's own code imports: a list of requirements, or the "
        "name of a requirements file of the project",
    )
    trainer: Trainer = Field(description="who fits the model")
    evaluation: Evaluation = Field(description="what is measured on the held-out rows")
    gate: Gate = Field(default=Gate(), description="when a candidate may replace the champion")
    serving: Serving = Field(default=Serving(), description="how the service answers")
    monitoring: Monitoring = Field(
        default=Monitoring(), description="when a window of predictions counts as drifted"
    )
    retraining: Retraining = Field(
        default=Retraining(), description="when the platform trains again by itself"
    )

    @model_validator(mode="after")
    def _consistent(self) -> ProjectSpec:
        variables = [variable.name for variable in self.environment]
        twice = sorted({name for name in variables if variables.count(name) > 1})
        if twice:
            raise ValueError(f"`environment` has {twice[0]!r} twice")
        inputs = {column.name for column in self.features.inputs}
        if self.label.column in inputs:
            raise ValueError(
                f"features contain the label {self.label.column!r}: the model would be "
                "shown the answer; remove it from `features`"
            )
        if self.label.positive is not None and self.task != "binary":
            raise ValueError("`label.positive` is of a binary task only; remove it")
        kinds = {column.name: column.kind for column in self.data.columns}
        numbers = [column.name for column in self.features.columns if column.kind == "number"]
        numbers += [self.label.column] if self.task == "regression" else []
        for name in numbers:
            if kinds.get(name) not in {None, "number"}:
                raise ValueError(
                    f"{name!r} is used as a number, but `data.columns` reads it as {kinds[name]}"
                )
        if self.label.time is not None and self.label.time in inputs:
            raise ValueError(f"features contain the label's time {self.label.time!r}; remove it")
        if self.data.event_time is None:
            if self.split.by == "time":
                raise ValueError("`split.by: time` needs `data.event_time`")
            if self.features.used_views:
                raise ValueError("feature views need `data.event_time`")
        self._check_retraining_window()
        self._check_schedule()
        return self

    def _check_retraining_window(self) -> None:
        """A retraining's window must leave rows to train on."""
        window, split = self.retraining.window, self.split
        if window is None or not isinstance(split, SplitByTime):
            return
        delay = timedelta(0) if self.label.delay is None else to_timedelta(self.label.delay)
        if to_timedelta(window) <= to_timedelta(split.test) + delay:
            known = "" if self.label.delay is None else f" and `label.delay` {self.label.delay}"
            raise ValueError(
                f"`retraining.window` {window} leaves no row to train on: `split.test` "
                f"{split.test}{known} take all of it; widen `retraining.window`"
            )

    def _check_schedule(self) -> None:
        """A schedule that the guard would refuse each time is none."""
        triggers = self.retraining.triggers
        if self.retraining.schedule is not None and "schedule" not in triggers:
            listed = ", ".join([*triggers, "schedule"])
            raise ValueError(
                "`retraining.schedule` starts nothing, since `retraining.triggers` does not list "
                f"`schedule`: write triggers: [{listed}], or remove `retraining.schedule`"
            )
