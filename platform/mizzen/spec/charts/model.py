"""Values of `charts/mizzen-model`: one model, served."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mizzen.spec.charts.clients import ClientLimits
from mizzen.spec.charts.kubernetes import (
    DnsLabel,
    Endpoint,
    Image,
    Labels,
    Monitor,
    OptionalName,
    Peer,
    Percent,
    Placement,
    Quantity,
    Resources,
    Seconds,
    ServiceAccount,
    resources,
)
from mizzen.spec.charts.section import Values

_NO_ALIAS = (
    "a number, not an alias: an alias may move between two restarts, and pods of one Deployment "
    "would then serve different versions. See which number it has: mizzen models list"
)


Version = Annotated[
    int,
    Field(ge=1, json_schema_extra={"allowed": "a version's number", "instead_of_text": _NO_ALIAS}),
]
Replicas = Annotated[int, Field(ge=0, le=1000)]


class Served(Values):
    """Which model, and which version of it answers."""

    name: Annotated[
        str,
        StringConstraints(pattern=r"^([a-z]([a-z0-9-]{0,38}[a-z0-9])?)?$"),
        Field(json_schema_extra={"allowed": "the project's name, or empty"}),
    ] = Field(
        default="",
        description="the registered model, which is the project's name; the release's name when "
        "empty. Objects are called after it, so a model has one release in a namespace",
        examples=["flights"],
    )
    version: Version = Field(
        description="the version that answers, by its number in the registry", examples=[1]
    )


class Header(Values):
    """A request that carries it goes to the candidate, whatever the weight is."""

    name: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9-]+)?$")] = Field(
        default="x-mizzen-version", description="the header's name; no such rule when empty"
    )
    value: str = Field(default="candidate", min_length=1, description="the value it must have")


class Candidate(Values):
    """A second version beside the first. Nothing of it exists while `version` is null."""

    version: Version | None = Field(
        default=None, description="its number in the registry; null for no candidate", examples=[2]
    )
    weight: Percent = Field(
        default=0, description="percent of the requests that the candidate answers"
    )
    mirror: bool = Field(
        default=False,
        description="also send the candidate copies of requests, and drop its answers",
    )
    mirror_percent: Annotated[
        int, Field(ge=1, le=100, json_schema_extra={"allowed": "1 to 100, in percent"})
    ] = Field(default=100, description="percent of the requests that are copied when mirroring")
    header: Header = Field(default=Header(), description="requests that ask for the candidate")
    replicas: Replicas = Field(default=1, description="pods, unless they scale by themselves")
    resources: Resources | None = Field(
        default=None,
        description="of its pods; as the stable version's when null",
        examples=[resources("100m", "256Mi", "1Gi")],
    )


class Door(Values):
    """Who may ask the service, and how often."""

    secret: OptionalName = Field(
        default="",
        description="an existing Secret with a key for each caller, called after it, which holds "
        "its token or `sha256:` and the token's digest, and behind it `predict`, `labels` or both "
        "with a comma, if it may not do everything; read again when it changes. Everybody may ask "
        "when empty",
        examples=["flights-callers"],
    )
    rate: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="requests a second of one caller (its token, or its address) in each process "
        "of each pod; 0 for no limit. The gateway's own limit, `route.envoy.rateLimit`, counts all "
        "callers together, in each proxy",
    )
    burst: Annotated[int, Field(ge=0)] = Field(
        default=0, description="requests that a caller may send at once; twice the rate when 0"
    )


class Server(Values):
    """How one pod answers; the options of `python -m mizzen_serving`."""

    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="processes of a pod, each with the model in memory"
    )
    threads: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="threads of the model in each process"
    )
    queue: Annotated[int, Field(ge=1)] = Field(
        default=1024, description="requests that may wait before the answer is 503"
    )
    start_seconds: Seconds = Field(
        default=120, description="how long a pod may take to load and warm up its model"
    )
    drain_seconds: Seconds = Field(
        default=10,
        description="how long a pod that was told to go still answers, being unready: until every "
        "proxy has heard of it",
    )
    limits: ClientLimits = Field(default=ClientLimits(), description="what clients may take")
    door: Door = Field(default=Door(), description="who may ask, and how often")


class Volume(Values):
    """Where files of a pod lie."""

    kind: Literal["emptyDir", "claim"] = Field(
        default="emptyDir",
        description="`emptyDir`: the node's disk, gone with the pod; `claim`: a volume of its own "
        "for each pod, deleted with it too, but not with a node that fails",
    )
    size: Quantity = Field(description="how much it holds at most")
    storage_class: OptionalName = Field(
        default="", description="of a claim; the cluster's default when empty", examples=["ssd"]
    )


class Fetch(Values):
    """The init container that fetches the package from the registry."""

    volume: Volume = Field(default=Volume(size="2Gi"), description="where the package lies")
    resources: Resources = Field(
        default=resources("100m", "256Mi", "1Gi"), description="of the init container"
    )


class Ship(Values):
    """Copies finished segments of the log to S3, all of them before the pod goes."""

    to: Annotated[
        str, StringConstraints(pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?)?$")
    ] = Field(
        default="",
        description="bucket and prefix, under which each model and version has a folder; the log "
        "is not shipped when empty",
        examples=["s3://mizzen/predictions"],
        json_schema_extra={"allowed": "s3://bucket/prefix, or empty"},
    )
    every_seconds: Seconds = Field(default=10, description="seconds between two looks at the log")
    keep_megabytes: Annotated[int, Field(ge=1)] = Field(
        default=1024,
        description="the oldest segments that are shipped are removed from the volume above this",
    )
    last_seconds: Seconds = Field(
        default=60, description="how long the shipping of the rest may take when the pod goes"
    )
    resources: Resources = Field(
        default=resources("20m", "128Mi", "512Mi"), description="of the container that ships"
    )


class Log(Values):
    """The prediction log."""

    volume: Volume = Field(
        default=Volume(size="5Gi"),
        description="where it is written; more than `serving.log.max_mb` of the project, or a "
        "full log ends the pod instead of refusing requests",
    )
    ship: Ship = Field(default=Ship(), description="where it is copied to")


class Tracking(Values):
    """The registry of models."""

    uri: Annotated[str, StringConstraints(pattern=r"^https?://[^/@]+(/.*)?$")] = Field(
        default="http://mizzen-mlflow:5000",
        description="address of MLflow, without credentials",
        json_schema_extra={"allowed": "an http(s) address"},
    )
    artifacts: Literal["mlflow", "s3"] = Field(
        default="mlflow",
        description="who hands out packages: `mlflow` (its --artifacts-destination), or `s3` "
        "itself, which the init container then needs the credentials of",
    )


class S3(Values):
    """The object store. Its Secret may hold AWS_ENDPOINT_URL and AWS_REGION beside
    AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""

    secret: OptionalName = Field(
        default="",
        description="an existing Secret with the AWS_* variables; none when empty",
        examples=["mizzen-s3"],
    )


class Features(Values):
    """Where the values of feature views come from while serving."""

    store: Literal["local", "postgres"] = Field(
        default="local", description="`local` serves models without feature views"
    )
    secret: OptionalName = Field(
        default="",
        description="an existing Secret with PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE",
        examples=["mizzen-postgres"],
    )


class Autoscaling(Values):
    """A HorizontalPodAutoscaler for each version; replicas are then its business alone."""

    enabled: bool = Field(default=False, description="scale by processor use")
    min_replicas: Annotated[int, Field(ge=1)] = Field(default=2, description="pods at least")
    max_replicas: Annotated[int, Field(ge=1)] = Field(default=4, description="pods at most")
    cpu_percent: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=70, description="use of the requested processor time that is aimed at, in percent"
    )


class Disruption(Values):
    """A PodDisruptionBudget for each version."""

    enabled: bool = Field(default=True, description="make the budget")
    max_unavailable: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="pods that may be taken at once when a node is emptied. Counted this way a "
        "single pod never blocks that, it only fails to answer for a moment",
    )


class Spread(Values):
    """How pods of a version are kept apart."""

    across: tuple[str, ...] = Field(
        default=("kubernetes.io/hostname", "topology.kubernetes.io/zone"),
        description="labels of nodes whose values share the pods evenly; empty for no spread",
    )
    when_impossible: Literal["ScheduleAnyway", "DoNotSchedule"] = Field(
        default="ScheduleAnyway", description="what happens to a pod that would be uneven"
    )


class Gateway(Values):
    """The Gateway that the route is attached to."""

    name: DnsLabel = Field(default="mizzen-gateway", description="its name")
    namespace: OptionalName = Field(
        default="", description="the release's own when empty", examples=["mizzen"]
    )
    listener: OptionalName = Field(
        default="", description="one of its listeners; all of them when empty", examples=["https"]
    )


class RateLimit(Values):
    """The gateway's own limit, held before a request reaches a pod: more is answered with 429."""

    requests: Annotated[int, Field(ge=0, le=2**32 - 1)] = Field(
        default=0,
        description="requests of all callers together that each proxy of the gateway lets through "
        "in a unit of time; 0 for no limit. Every proxy counts for itself, so two let through "
        "twice as many, and requests that ask for the candidate by its header are counted apart. "
        "For a limit of each caller see `server.door.rate`",
    )
    unit: Literal["Second", "Minute", "Hour"] = Field(
        default="Second", description="the unit of time, after which the proxy counts anew"
    )


class Envoy(Values):
    """What only Envoy Gateway does, by a BackendTrafficPolicy of its own."""

    enabled: bool = Field(
        default=True, description="make the policy; false where another gateway carries the route"
    )
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=4,
        description="how often a request is tried on another pod when the connection to one is "
        "refused or lost. A prediction may then be in the log twice, once without an answer",
    )
    connect_seconds: Seconds = Field(
        default=1, description="how long to wait for a pod to take a connection"
    )
    try_seconds: Seconds = Field(
        default=5,
        description="how long to wait for one pod's answer before another is asked; longer than "
        "the slowest prediction, and shorter than `timeoutSeconds`. A pod whose machine is gone "
        "neither answers nor refuses",
    )
    avoid_seconds: Seconds = Field(
        default=10,
        description="how long a pod is left out after three requests in a row did not reach it; "
        "what it answers, errors too, counts as reached",
    )
    rate_limit: RateLimit = Field(
        default=RateLimit(), description="how many requests each proxy of the gateway lets through"
    )


class Route(Values):
    """Which requests reach the model, and how long they may take."""

    enabled: bool = Field(default=True, description="make the HTTPRoute")
    gateway: Gateway = Field(default=Gateway(), description="where requests come in")
    hostnames: tuple[str, ...] = Field(
        default=(),
        description="names that requests must ask for; every name when empty",
        examples=[["models.example.com"]],
    )
    prefix: Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~/-]*)?$")] = Field(
        default="",
        description="beginning of the path, taken off before the service sees it; `/<model>` "
        "when empty",
        examples=["/v1/flights"],
        json_schema_extra={"allowed": "a path that begins with /, or empty"},
    )
    timeout_seconds: Seconds = Field(
        default=15,
        description="how long a request, and the copy of one, may take in all",
    )
    envoy: Envoy = Field(default=Envoy(), description="what only Envoy Gateway does")


class Network(Values):
    """A NetworkPolicy: nothing goes in or out but what is listed here."""

    enabled: bool = Field(default=True, description="make the policy")
    gateway: Peer = Field(
        default=Peer(namespace="envoy-gateway-system"),
        description="the data plane of the gateway, which sends requests",
    )
    prometheus: Peer = Field(
        default=Peer(namespace="monitoring"), description="who reads the metrics"
    )
    api: Peer = Field(
        default=Peer(pod_labels={"app.kubernetes.io/component": "api"}),
        description="the control API, which forwards predictions and labels",
    )
    dns: Endpoint = Field(
        default=Endpoint(namespace="kube-system", pod_labels={"k8s-app": "kube-dns"}, port=53),
        description="the cluster's names",
    )
    tracking: Endpoint = Field(
        default=Endpoint(pod_labels={"app.kubernetes.io/component": "mlflow"}, port=5000),
        description="MLflow, which the package is fetched from",
    )
    s3: tuple[Endpoint, ...] = Field(
        default=(),
        description="the object store, where `s3.secret` is given",
        examples=[[{"cidr": "10.0.8.0/24", "port": 9000}]],
    )
    features: tuple[Endpoint, ...] = Field(
        default=(),
        description="PostgreSQL, where `features.store` is postgres",
        examples=[[{"podLabels": {"app.kubernetes.io/component": "postgres"}, "port": 5432}]],
    )


class ModelValues(Values):
    """One model, served: a stable version, beside it a candidate that is weighted, mirrored to or
    asked for by a header, and a route that divides the requests among them.

    ```sh
    helm install flights charts/mizzen-model --set model.version=1
    helm upgrade flights charts/mizzen-model --reuse-values \\
        --set candidate.version=2 --set candidate.weight=10 --set candidate.mirror=true
    helm test flights
    ```

    Versions are numbers: an alias such as `champion` is resolved by whoever installs. Objects are
    called after the model, so that Helm refuses a second release of one model. Credentials come
    from Secrets that exist. Profiles for three kinds of places lie in `profiles/`.
    """

    model: Served = Field(description="which model, and which version of it answers")
    candidate: Candidate = Field(
        default=Candidate(), description="a second version beside the first"
    )
    replicas: Replicas = Field(
        default=1, description="pods of the stable version, unless they scale by themselves"
    )
    resources: Resources = Field(
        default=resources("250m", "512Mi", "1Gi"), description="of the container that answers"
    )
    image: Image = Field(
        default=Image(repository="mizzen/serving"), description="the serving image"
    )
    image_pull_secrets: tuple[DnsLabel, ...] = Field(
        default=(), description="existing Secrets for the registry", examples=[["registry"]]
    )
    server: Server = Field(default=Server(), description="how one pod answers")
    fetch: Fetch = Field(default=Fetch(), description="how the model's package gets into a pod")
    log: Log = Field(default=Log(), description="the prediction log")
    tracking: Tracking = Field(default=Tracking(), description="the registry of models")
    s3: S3 = Field(default=S3(), description="the object store")
    features: Features = Field(default=Features(), description="values of feature views")
    route: Route = Field(default=Route(), description="which requests reach the model")
    autoscaling: Autoscaling = Field(default=Autoscaling(), description="pods by load")
    disruption: Disruption = Field(
        default=Disruption(), description="how many pods may go at once when nodes are emptied"
    )
    spread: Spread = Field(default=Spread(), description="how pods are kept apart")
    placement: Placement = Field(default=Placement(), description="which nodes")
    network: Network = Field(default=Network(), description="who may talk to whom")
    monitor: Monitor = Field(default=Monitor(), description="a ServiceMonitor for the pods")
    service_account: ServiceAccount = Field(
        default=ServiceAccount(), description="the account of the pods"
    )
    pod_labels: Labels = Field(
        default={}, description="more labels of the pods", examples=[{"team": "arrivals"}]
    )
    pod_annotations: Labels = Field(
        default={}, description="annotations of the pods", examples=[{"example.com/owner": "us"}]
    )
