"""`profiles/<name>.yaml`: where a project runs. Nothing in it changes what is computed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mizzen.spec.columns import Duration, Name, Section

Port = Annotated[int, Field(ge=0, le=65535)]


class Tracking(Section):
    """MLflow. Without `uri`: SQLite and files in the profile's home, in process."""

    runs: bool = Field(
        default=True, description="false makes no pages of runs; models are registered anyway"
    )
    uri: str | None = Field(
        default=None, description="address of an MLflow server; SQLite and files here when absent"
    )
    port: Port = Field(default=5000, description="where `mizzen up` shows MLflow's page")


class DataStore(Section):
    """DVC's remote for snapshots. Without `url`: a folder in the profile's home."""

    url: str | None = Field(
        default=None,
        description="address that DVC knows (a path, s3://...); a folder here when absent",
    )


class ShippedPredictions(Section):
    """The prediction logs of services elsewhere. Without `url`: the log in the profile's home."""

    url: str | None = Field(
        default=None,
        description="where services ship their logs (s3://bucket/prefix, file:///folder);"
        " the log in the home when absent",
    )


class FeatureStore(Section):
    """Feast's stores. `local`: registry, history (DuckDB) and newest values (SQLite) in the
    profile's home. `postgres`: registry and newest values in PostgreSQL, which libpq's variables
    name (PGHOST, PGDATABASE, PGUSER, ...)."""

    kind: Name = Field(default="local", description="which stores: local or postgres")
    sources: str | None = Field(
        default=None,
        description="where the views' history lies, for every machine that trains or loads"
        " features (s3://bucket/prefix, file:///folder); a folder in the home when absent",
    )


class ServingPlace(Section):
    """Where the service listens."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Port = Field(default=3000, description="port to listen on; 0 takes a free one")
    tokens: str | None = Field(
        default=None,
        description="file with lines `NAME TOKEN` of those who may ask, or a folder with a file for"
        " each name, relative to the project; everybody may ask when absent",
    )
    rate: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="requests a second of one caller; no limit when absent"
    )
    token_env: str = Field(
        default="MIZZEN_SERVICE_TOKEN",
        description="environment variable that holds the bearer token with which commands ask",
    )


class Metrics(Section):
    """Where figures of jobs go: a text file in the home, and a push gateway if named."""

    pushgateway: str | None = Field(
        default=None, description="address of a Prometheus push gateway; none when absent"
    )


class Control(Section):
    """The control API of a cluster, which keeps the state. Without `url`: the state is here."""

    url: str | None = Field(
        default=None, description="address of the control API; the state is here when absent"
    )
    token_env: str = Field(
        default="MIZZEN_API_TOKEN", description="environment variable that holds the bearer token"
    )
    ca_file: str | None = Field(
        default=None,
        description="certificates to trust for https, relative to the project; the machine's "
        "when absent",
    )


class Profile(Section):
    """One place to run: addresses, folders and credentials by reference."""

    api_version: Literal["mizzen.dev/v1"] = Field(
        alias="apiVersion", description="version of this format"
    )
    kind: Literal["Profile"] = Field(description="what this file is")
    runner: Name = Field(default="local", description="who executes the steps")
    home: str = Field(
        default=".mizzen", description="folder of everything local, relative to the project"
    )
    parallel: Annotated[int, Field(ge=1)] = Field(
        default=2, description="steps that the local runner executes side by side"
    )
    lease: Duration = Field(
        default="60s",
        description="how long a run whose driver says nothing counts as running on other machines",
    )
    tracking: Tracking = Field(default=Tracking(), description="where runs and models are kept")
    data_store: DataStore = Field(default=DataStore(), description="where snapshots are kept")
    feature_store: FeatureStore = Field(
        default=FeatureStore(), description="where features are kept"
    )
    prediction_log: ShippedPredictions = Field(
        default=ShippedPredictions(), description="which predictions and labels are watched"
    )
    serving: ServingPlace = Field(default=ServingPlace(), description="where the service listens")
    metrics: Metrics = Field(default=Metrics(), description="where figures of jobs go")
    control: Control = Field(default=Control(), description="who keeps the state")
    state: str | None = Field(
        default=None, description="SQLAlchemy URL of the state; SQLite in the home when absent"
    )

    def addresses(self) -> list[str | None]:
        """Everything of it that may hold credentials; absent ones are None."""
        return [
            self.tracking.uri,
            self.data_store.url,
            self.prediction_log.url,
            self.feature_store.sources,
            self.metrics.pushgateway,
            self.control.url,
            self.state,
        ]

    @model_validator(mode="after")
    def _one_state(self) -> Profile:
        if self.control.url is not None and self.state is not None:
            raise ValueError("`control.url` and `state` both say where the state is: give one")
        return self
