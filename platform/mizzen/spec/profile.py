"""`profiles/<name>.yaml`: where a project runs. Nothing in it changes what is computed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mizzen.spec.columns import Name, Section

Port = Annotated[int, Field(ge=0, le=65535)]


class Tracking(Section):
    """MLflow. Without `uri`: SQLite and files in the profile's home, in process."""

    runs: bool = Field(
        default=True, description="false makes no pages of runs; models are registered anyway"
    )
    uri: str | None = None
    port: Port = Field(default=5000, description="where `mizzen up` shows MLflow's page")


class DataStore(Section):
    """DVC's remote for snapshots. Without `url`: a folder in the profile's home."""

    url: str | None = None


class FeatureStore(Section):
    """Feast's stores. `local`: DuckDB offline, SQLite online, in the profile's home."""

    kind: Name = "local"


class ServingPlace(Section):
    """Where the service listens."""

    host: str = "127.0.0.1"
    port: Port = 3000


class Metrics(Section):
    """Where figures of jobs go: a text file in the home, and a push gateway if named."""

    pushgateway: str | None = None


class Profile(Section):
    """One place to run: addresses, folders and credentials by reference."""

    api_version: Literal["mizzen.dev/v1"] = Field(alias="apiVersion")
    kind: Literal["Profile"]
    runner: Name = "local"
    home: str = Field(
        default=".mizzen", description="folder of everything local, relative to the project"
    )
    parallel: Annotated[int, Field(ge=1)] = Field(
        default=2, description="steps that the local runner executes side by side"
    )
    tracking: Tracking = Tracking()
    data_store: DataStore = DataStore()
    feature_store: FeatureStore = FeatureStore()
    serving: ServingPlace = ServingPlace()
    metrics: Metrics = Metrics()
    state: str | None = Field(
        default=None, description="SQLAlchemy URL of the state; SQLite in the home when absent"
    )
