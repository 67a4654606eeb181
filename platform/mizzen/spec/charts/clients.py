"""What both servers, the prediction service and the control API, let clients take of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from mizzen.spec.charts.kubernetes import Seconds
from mizzen.spec.charts.section import Values

Proxy = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"),
    Field(json_schema_extra={"allowed": "addresses, or networks such as 10.244.0.0/16"}),
]


class ClientLimits(Values):
    """How much clients may take of one process before they are answered (MIZZEN_LIMITS)."""

    connections: Annotated[int, Field(ge=1, le=60_000)] = Field(
        default=4096, description="open connections in all"
    )
    connections_per_address: Annotated[int, Field(ge=1, le=60_000)] = Field(
        default=1024,
        description="open connections from one address, unless it is a trusted proxy: each pod of "
        "the gateway is one",
    )
    trusted_proxies: tuple[Proxy, ...] = Field(
        default=(),
        description="addresses or networks of the gateway's pods: their connections are not "
        "counted per address, and their X-Forwarded-For names the client",
        examples=[["10.244.0.0/16"]],
    )
    header_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = Field(
        default=32_768, description="bytes of a request's line and headers"
    )
    headers_seconds: Seconds = Field(default=10, description="until the headers are there")
    body_seconds: Seconds = Field(
        default=30, description="until the body is there, and longer by what has arrived"
    )
    idle_seconds: Seconds = Field(
        default=75, description="between two requests of a connection; more than the gateway's own"
    )
