"""How the model is served, watched and trained again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mizzen.spec.columns import Duration, Section
from mizzen.spec.schedule import Schedule


class PredictionLogSettings(Section):
    """Durability of the prediction log; see docs/explanation/prediction-log.md."""

    commit_window_ms: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=50, description="what a power failure loses at most, in milliseconds"
    )
    segment_mb: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=64, description="size in MB at which a new segment begins"
    )
    retention: Duration = Field(default="90d", description="segments older than this are removed")
    max_mb: Annotated[int, Field(ge=1)] = Field(
        default=4096, description="size in MB of the whole log, above which requests are refused"
    )


class Serving(Section):
    """How the service answers."""

    max_batch: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="most rows of one request"
    )
    log: PredictionLogSettings = Field(
        default=PredictionLogSettings(), description="durability of the prediction log"
    )


class QualityWindows(Section):
    """On which windows of event time quality is judged, and when: see
    docs/explanation/quality.md. Windows are counted from 1970-01-01T00:00:00Z.
    """

    window: Duration | None = Field(
        default=None,
        description="event time that one verdict looks at; `monitoring.window` when absent",
    )
    labels: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.9,
        description="share of a window's predictions whose labels must be known for a verdict "
        "before `delay` has passed",
    )
    delay: Duration | None = Field(
        default=None,
        description="how long after its end a window is judged with the labels that are there, "
        "`min_rows` at least; `label.delay` when absent, or as long as the window",
    )


class Monitoring(Section):
    """When a window of predictions counts as drifted.

    Thresholds are not written here: they are calibrated on the training window so that a
    window without drift raises a false alarm with probability at most `false_alarm`.
    """

    window: Duration = Field(default="30d", description="how much time one verdict looks at")
    min_rows: Annotated[int, Field(ge=50)] = Field(
        default=500, description="a window with fewer predictions (or labels) is not judged"
    )
    false_alarm: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        default=0.01, description="chance that a window without drift alarms, at most"
    )
    quality_drop: Annotated[float, Field(gt=0)] = Field(
        default=0.05, description="fall of the primary metric, against evaluation, that alarms"
    )
    quality: QualityWindows = Field(
        default=QualityWindows(), description="on which windows quality is judged, and when"
    )


class Budget(Section):
    """At most `runs` retrainings in any `per`, by the time of their triggers."""

    runs: Annotated[int, Field(ge=1)] = Field(default=4, description="how many retrainings")
    per: Duration = Field(default="30d", description="in how much time")


class Retraining(Section):
    """When the platform trains again by itself.

    A trigger's time is the alarm's window, `--until`, or now: where past months are replayed,
    `cooldown` and `budget` go by the data's time, in any order of the months. `freeze` goes by the
    wall clock. `breaker` goes by the order of decisions, whatever time they are about.
    """

    triggers: tuple[Literal["drift", "quality", "data", "schedule", "merge"], ...] = Field(
        default=("drift",), description="what may start a retraining; a person always may"
    )
    schedule: Schedule | None = Field(
        default=None,
        description="at which times of the clock; `triggers` must list `schedule`",
        json_schema_extra={
            "allowed": 'a mapping with `cron` and `zone`, as in {cron: "0 3 * * 1", zone: '
            "Europe/Berlin}"
        },
    )
    window: Duration | None = Field(
        default=None,
        description="how much history, back from the trigger; all when absent. Longer than what "
        "`split.test` holds out, and `label.delay`",
    )
    consecutive: Annotated[int, Field(ge=1)] = Field(
        default=1, description="alarms in a row before a run starts (hysteresis)"
    )
    cooldown: Duration = Field(
        default="1d", description="least time between two retrainings, by their triggers' time"
    )
    budget: Budget = Field(default=Budget(), description="most retrainings in a stretch of time")
    breaker: Annotated[int, Field(ge=1)] = Field(
        default=3,
        description="failed retrainings in a row, in the order of their decisions, after which a "
        "person must reset",
    )
    freeze: Duration | None = Field(
        default="7d",
        description="how long nothing but a person retrains after a rollback, by the wall clock; "
        "null for not at all. `mizzen retrain --unfreeze` lifts it",
    )
