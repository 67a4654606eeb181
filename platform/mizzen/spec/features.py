"""What the model sees: columns of the row itself, and views joined point in time."""

from __future__ import annotations

from pydantic import Field, model_validator

from mizzen.spec.columns import Column, Duration, FeatureColumn, FunctionRef, Name, Section

TIME = "event_timestamp"


class FeatureView(Section):
    """Features of an entity that change over time, kept in the feature store.

    `source` is a function of the project: it takes the tables (a mapping of name to
    DataFrame) and returns a DataFrame with the entity's columns, `event_timestamp` (when the
    values became known, with zone) and one column per feature.
    """

    name: Name = Field(description="the view's name, also in the feature store")
    entity: tuple[Column, ...] = Field(
        min_length=1, description="columns of the rows that say whose values these are"
    )
    source: FunctionRef = Field(description="the function that computes the view's history")
    ttl: Duration = Field(description="a value older than this counts as missing")
    columns: tuple[FeatureColumn, ...] = Field(min_length=1, description="the view's features")
    inputs: tuple[str, ...] = Field(
        default=(),
        description="files that the function reads through a library that opens them by itself "
        "(DuckDB, pyarrow, polars): paths or globs relative to the project; what Python opens is "
        "noticed without",
    )

    @model_validator(mode="after")
    def _columns_differ(self) -> FeatureView:
        names = [*self.entity, *(column.name for column in self.columns)]
        if TIME in names:
            raise ValueError(
                f"a column of the view {self.name!r} is named {TIME!r}, which says when its values "
                "became known; rename the column"
            )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"columns named twice in the view {self.name!r}: {', '.join(twice)}")
        return self


class Features(Section):
    """All inputs of the model, in this order: row columns first, then the views' columns."""

    columns: tuple[FeatureColumn, ...] = Field(default=(), description="columns of the row itself")
    views: tuple[FeatureView, ...] = Field(
        default=(), description="features of entities, joined as they were known at the event time"
    )
    use: tuple[Name, ...] | None = Field(
        default=None,
        description="names of the views that the model uses; all of them when absent",
    )

    @model_validator(mode="after")
    def _names(self) -> Features:
        names = [view.name for view in self.views]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"views named twice: {', '.join(doubled)}")
        for view in self.use or ():
            if view not in names:
                raise ValueError(f"`use` names {view!r}; known views: {', '.join(names) or 'none'}")
        inputs = [column.name for column in self.inputs]
        twice = sorted({name for name in inputs if inputs.count(name) > 1})
        if twice:
            raise ValueError(f"features named twice: {', '.join(twice)}")
        if not inputs:
            raise ValueError("a model needs at least one feature: add `columns` or `views`")
        return self

    @property
    def used_views(self) -> tuple[FeatureView, ...]:
        """The views that the model uses, in the order of the description."""
        return tuple(v for v in self.views if self.use is None or v.name in self.use)

    @property
    def inputs(self) -> tuple[FeatureColumn, ...]:
        """Every input of the model, in the order in which it is encoded."""
        of_views = (column for view in self.used_views for column in view.columns)
        return (*self.columns, *of_views)
