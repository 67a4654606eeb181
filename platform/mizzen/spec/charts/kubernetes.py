"""Pieces that the values of several charts are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mizzen.spec.charts.section import Values

DnsLabel = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"),
    Field(json_schema_extra={"allowed": "lower-case letters, digits and hyphens, a letter first"}),
]
OptionalName = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$"),
    Field(json_schema_extra={"allowed": "the name of an object, or empty"}),
]
Quantity = Annotated[
    # `--set resources.limits.cpu=2` gives a number
    Annotated[int, Field(ge=1)]
    | Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")],
    Field(json_schema_extra={"allowed": "an amount as Kubernetes writes it, such as 250m or 1Gi"}),
]
Percent = Annotated[int, Field(ge=0, le=100, json_schema_extra={"allowed": "0 to 100, in percent"})]
Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"allowed": "1 to 65535"})]
Seconds = Annotated[int, Field(ge=1, le=86_400, json_schema_extra={"allowed": "whole seconds"})]
Labels = dict[str, str]


class Image(Values):
    """Where a container comes from."""

    registry: str = Field(
        default="", description="host of the registry, empty for the nodes' default",
        examples=["registry.example.com"],
    )  # fmt: skip
    repository: str = Field(min_length=1, description="the image's name in the registry")
    tag: str = Field(default="", description="the chart's appVersion when empty", examples=["1.2"])
    digest: Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")] = Field(
        default="",
        description="wins over the tag, and cannot change under it",
        examples=[f"sha256:{'0' * 64}"],
        json_schema_extra={"allowed": "sha256:<64 hexadecimal digits>, or empty"},
    )
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field(
        default="IfNotPresent", description="when a node asks the registry"
    )


class Requests(Values):
    """What a container is sure to get; the scheduler looks at this."""

    cpu: Quantity = Field(description="processor time")
    memory: Quantity = Field(description="memory")


class Limits(Values):
    """What a container gets at most."""

    cpu: Quantity | None = Field(
        default=None,
        description="null for none: it may then use what is idle on its node",
        examples=["2"],
    )
    memory: Quantity | None = Field(
        default=None, description="null for none: not advised, its neighbours pay", examples=["1Gi"]
    )


class Resources(Values):
    """What a container asks for and is held to."""

    requests: Requests = Field(description="what it is sure to get")
    limits: Limits = Field(default=Limits(), description="what it gets at most")


def resources(cpu: str, memory: str, most_memory: str) -> Resources:
    """Requests, and a limit of memory: a limit of processor time throttles in the middle of a
    request, and a request for it already divides a busy node fairly."""
    return Resources(
        requests=Requests(cpu=cpu, memory=memory), limits=Limits(memory=most_memory)
    )  # fmt: skip


class Toleration(Values):
    """A taint of nodes that the pods stand."""

    key: str = Field(default="", description="the taint's key; every key when empty")
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="how to compare")
    value: str = Field(default="", description="the taint's value, with Equal")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        default="", description="the taint's effect; every effect when empty"
    )


class Placement(Values):
    """Which nodes the pods may run on."""

    node_selector: Labels = Field(
        default={}, description="labels that a node must have", examples=[{"pool": "serving"}]
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(),
        description="taints that are stood",
        examples=[[{"key": "serving", "operator": "Exists"}]],
    )
    priority_class: OptionalName = Field(
        default="", description="a PriorityClass that exists", examples=["high"]
    )


class Peer(Values):
    """The other end of a connection, for a NetworkPolicy: pods by namespace and labels, or
    addresses by `cidr` for what runs outside of the cluster."""

    namespace: OptionalName = Field(
        default="", description="the release's own when empty", examples=["monitoring"]
    )
    pod_labels: Labels = Field(
        default={},
        description="labels of the pods; all of the namespace when empty",
        examples=[{"app.kubernetes.io/component": "mlflow"}],
    )
    cidr: Annotated[str, StringConstraints(pattern=r"^([0-9a-f.:]+/[0-9]+)?$")] = Field(
        default="",
        description="addresses in place of pods",
        examples=["10.0.8.0/24"],
        json_schema_extra={"allowed": "a block of addresses such as 10.0.8.0/24, or empty"},
    )


class Endpoint(Peer):
    """A service that the pods ask."""

    port: Port = Field(description="the port that the other end listens on")


class Monitor(Values):
    """How a Prometheus operator finds the pods. Needs the operator's CRDs."""

    enabled: bool = Field(default=False, description="make the object")
    interval: Seconds = Field(default=15, description="seconds between two looks")
    labels: Labels = Field(
        default={},
        description="labels that your Prometheus selects monitors by",
        examples=[{"release": "prometheus"}],
    )


class ServiceAccount(Values):
    """The account of the pods. It has no rights and no token is mounted."""

    annotations: Labels = Field(
        default={},
        description="annotations, for a cloud that lends identities to accounts",
        examples=[{"example.com/role": "reader"}],
    )
