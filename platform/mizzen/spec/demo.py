"""`demo.yaml`: the steps that `mizzen demo` runs with a project. What runs is the platform's;
the script only says in which order and on which part of the data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from mizzen.spec.columns import Section

Instant = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$",
        json_schema_extra={
            "allowed": "an instant with zone, as in 2013-06-01T00:00:00-04:00; a date is "
            "midnight UTC"
        },
    ),
]


class _Step(Section):
    title: str = Field(default="", description="what is said while the step runs")


class TrainStep(_Step):
    """Train with changed fields, on a part of the data; the gate decides on promotion."""

    train: dict[str, JsonValue] = Field(
        description="dotted field of mizzen.yaml -> value, for this run only; may be empty"
    )
    start: Instant | None = Field(
        default=None, alias="from", description="first event time; no bound when absent"
    )
    end: Instant | None = Field(
        default=None, alias="until", description="end of the window; no bound when absent"
    )


class UpStep(_Step):
    """Start the stack: the tracking page and the champion's service."""

    up: Literal[True] = Field(description="always `true`")


class ReplayStep(_Step):
    """Send past rows as traffic, with features and labels arriving when they were due."""

    replay: Literal[True] = Field(description="always `true`")
    start: Instant = Field(alias="from", description="first event time")
    end: Instant = Field(alias="until", description="end of the window, exclusive")


class WatchStep(_Step):
    """Run the drift job on the window that ends at `until`, then answer its alarms."""

    watch: Literal[True] = Field(description="always `true`")
    end: Instant = Field(alias="until", description="where the judged window ends")
    expect: Literal["alarm", "quiet"] | None = Field(
        default=None, description="the demo fails when something else is found"
    )


def _kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else type(value).model_fields
    return next((name for name in ("train", "up", "replay", "watch") if name in keys), None)


DemoStep = Annotated[
    Annotated[TrainStep, Tag("train")]
    | Annotated[UpStep, Tag("up")]
    | Annotated[ReplayStep, Tag("replay")]
    | Annotated[WatchStep, Tag("watch")],
    Discriminator(
        _kind,
        custom_error_type="unknown_step",
        custom_error_message="a step needs one of `train`, `up`, `replay`, `watch`",
    ),
]


class DemoScript(Section):
    """A project's demonstration."""

    api_version: Literal["mizzen.dev/v1"] = Field(
        alias="apiVersion", description="version of this format"
    )
    kind: Literal["Demo"] = Field(description="what this file is")
    title: str = Field(default="", description="what the demo is about")
    steps: tuple[DemoStep, ...] = Field(min_length=1, description="run in this order")

    @model_validator(mode="after")
    def _up_first(self) -> DemoScript:
        kinds = [_kind(step) for step in self.steps]
        if "replay" in kinds and "up" not in kinds[: kinds.index("replay")]:
            raise ValueError("`replay` needs an `up` step before it: traffic needs a service")
        return self
