"""How the model is served, watched and trained again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mizzen.spec.columns import Duration, Section


class PredictionLogSettings(Section):
    """Durability of the prediction log; see docs/explanation/prediction-log.md."""

    commit_window_ms: Annotated[int, Field(ge=1, le=10_000)] = 50
    segment_mb: Annotated[int, Field(ge=1, le=1024)] = 64
    retention: Duration = "90d"
    max_mb: Annotated[int, Field(ge=1)] = 4096


class Serving(Section):
    """How the service answers."""

    max_batch: Annotated[int, Field(ge=1, le=100_000)] = 1000
    log: PredictionLogSettings = PredictionLogSettings()


class Monitoring(Section):
    """When a window of predictions counts as drifted.

    Thresholds are not written here: they are calibrated on the training window so that a
    window without drift raises a false alarm with probability at most `false_alarm`.
    """

    window: Duration = "30d"
    min_rows: Annotated[int, Field(ge=50)] = 500
    false_alarm: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    quality_drop: Annotated[float, Field(gt=0)] = Field(
        default=0.05, description="fall of the primary metric, against evaluation, that alarms"
    )


class Budget(Section):
    """At most `runs` retrainings in any `per`."""

    runs: Annotated[int, Field(ge=1)] = 4
    per: Duration = "30d"


class Retraining(Section):
    """When the platform trains again by itself."""

    triggers: tuple[Literal["drift", "quality", "data", "schedule", "merge"], ...] = ("drift",)
    window: Duration | None = Field(
        default=None, description="how much history, back from the trigger; all when absent"
    )
    consecutive: Annotated[int, Field(ge=1)] = Field(
        default=1, description="alarms in a row before a run starts (hysteresis)"
    )
    cooldown: Duration = "1d"
    budget: Budget = Budget()
    breaker: Annotated[int, Field(ge=1)] = Field(
        default=3, description="failed retrainings in a row after which a person must reset"
    )
