"""Who may open a connection to whom: the one list that NetworkPolicies are rendered from.

Ends are components of `charts/mizzen` (the label app.kubernetes.io/component of their pods),
`model` (pods of `charts/mizzen-model`) or peers that the values name. An edge is in force when
the parts at both of its ends are switched on.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mizzen.spec.charts.kubernetes import Port
from mizzen.spec.charts.section import Values

End = Literal[
    "api", "mlflow", "features", "postgres", "migration", "drift", "materialize", "test", "model",
    "gateway", "prometheus", "dns", "database", "s3", "pushgateway",
]  # fmt: skip


class Edge(Values):
    """One permission. `port` is the target pods' own; null where the peer's values have it."""

    source: End = Field(description="who opens the connection")
    target: End = Field(description="who is reached")
    port: Port | None = Field(default=None, description="at which port")


def _to(target: End, port: int | None, *sources: End) -> list[Edge]:
    return [Edge(source=source, target=target, port=port) for source in sources]


EDGES: tuple[Edge, ...] = (
    *_to("api", 8080, "gateway", "prometheus", "drift", "materialize", "test"),
    *_to("mlflow", 5000, "gateway", "drift", "materialize", "model", "test"),
    *_to("model", 3000, "api"),
    *_to("features", 6566, "model", "test"),
    # what is called database is the chart's own PostgreSQL where that is switched on
    *_to("database", None, "api", "mlflow", "features", "migration", "drift", "materialize"),
    *_to("postgres", 5432, "model"),
    *_to("s3", None, "mlflow", "drift", "materialize"),
    *_to("pushgateway", None, "drift"),
    *_to("dns", None, "api", "mlflow", "features", "migration", "drift", "materialize", "test"),
)
