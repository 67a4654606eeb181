"""Values of `charts/mizzen`: the platform of one namespace."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mizzen.spec.charts.clients import ClientLimits
from mizzen.spec.charts.edges import EDGES, Edge
from mizzen.spec.charts.kubernetes import (
    DnsLabel,
    Endpoint,
    Image,
    Labels,
    Monitor,
    OptionalName,
    Peer,
    Placement,
    Quantity,
    Resources,
    ServiceAccount,
    resources,
)
from mizzen.spec.charts.section import Values

Replicas = Annotated[int, Field(ge=0, le=100)]
SchemaName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$"),
    Field(json_schema_extra={"allowed": "lower-case letters, digits and underscores"}),
]
UrlPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[a-z0-9][a-z0-9/-]*$"),
    Field(json_schema_extra={"allowed": "a path such as /mlflow"}),
]
Schedule = Annotated[
    str,
    StringConstraints(pattern=r"^\S+( \S+){4}$|^@(hourly|daily|weekly)$"),
    Field(json_schema_extra={"allowed": "five fields as cron has them, or @hourly, @daily"}),
]
Prefix = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"),
    Field(json_schema_extra={"allowed": "a prefix of keys, without slashes around it"}),
]
CONTROL = Image(repository="mizzen/control")
STEPS = Image(repository="mizzen/tabular")


class TokenSecret(Values):
    """An existing Secret with the bearer token that callers of the control API show."""

    name: DnsLabel = Field(default="mizzen-api-token", description="the Secret")
    key: Annotated[str, Field(min_length=1)] = Field(default="token", description="its key")


class ApiTls(Values):
    """TLS at the API itself, beside the gateway's own. Its certificate speaks for
    `<release>-api`."""

    secret: OptionalName = Field(
        default="",
        description="an existing Secret of type kubernetes.io/tls; plain HTTP when empty",
        examples=["mizzen-api-tls"],
    )
    authority: OptionalName = Field(
        default="",
        description="an existing ConfigMap whose `ca.crt` is the authority that signed it; callers "
        "hold the API to that",
        examples=["mizzen-api-authority"],
    )


class Disruption(Values):
    """A PodDisruptionBudget."""

    enabled: bool = Field(default=False, description="make the budget")
    max_unavailable: Annotated[int, Field(ge=1)] = Field(
        default=1, description="pods that may be taken at once when a node is emptied"
    )


class Api(Values):
    """The control API: owns projects, runs, models, promotions and predictions."""

    enabled: bool = Field(default=True, description="run it")
    image: Image = Field(default=CONTROL, description="the control image")
    replicas: Replicas = Field(default=1, description="pods")
    token: TokenSecret = Field(default=TokenSecret(), description="who may call it")
    callers: OptionalName = Field(
        default="",
        description="an existing Secret with a key for each named caller, whose value is its token "
        "and its roles, as in `TOKEN scientist,operator`; none when empty",
        examples=["mizzen-api-callers"],
    )
    tls: ApiTls = Field(default=ApiTls(), description="TLS inside the cluster")
    database_schema: SchemaName = Field(
        default="mizzen", description="schema of its tables in the database"
    )
    limits: ClientLimits = Field(default=ClientLimits(), description="what clients may take")
    request_megabytes: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=32, description="megabytes (2^20 bytes) of a request's body; more is refused"
    )
    resources: Resources = Field(
        default=resources("100m", "256Mi", "1Gi"), description="of each pod, and of the migration"
    )
    disruption: Disruption = Field(
        default=Disruption(), description="how many pods may go when nodes are emptied"
    )


class Mlflow(Values):
    """MLflow's server, with one worker: pages of runs, and the registry of models."""

    enabled: bool = Field(default=True, description="run it")
    image: Image = Field(default=CONTROL, description="the control image")
    artifacts: Prefix = Field(
        default="mlflow", description="prefix in the bucket; MLflow passes files through"
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="names by which it may be asked beside its Service's and the gateway's; it "
        "refuses others, so that no page can reach it through a browser",
        examples=[["mlflow.example.com"]],
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(),
        description="pages that may change something in it, beside the gateway's own",
        examples=[["https://notebooks.example.com"]],
    )
    database_schema: SchemaName = Field(
        default="mlflow", description="schema of its tables in the database"
    )
    resources: Resources = Field(
        default=resources("100m", "768Mi", "2Gi"), description="of the pod, and of the migration"
    )


class Features(Values):
    """Feast's registry in the database, and its feature server for one project."""

    enabled: bool = Field(default=False, description="run it")
    image: Image = Field(default=CONTROL, description="the control image")
    project: str = Field(
        default="", description="the project whose features are served", examples=["flights"]
    )
    replicas: Replicas = Field(default=1, description="pods")
    resources: Resources = Field(
        default=resources("100m", "512Mi", "1Gi"), description="of each pod"
    )
    disruption: Disruption = Field(
        default=Disruption(), description="how many pods may go when nodes are emptied"
    )


class Database(Values):
    """PostgreSQL, inside the chart or elsewhere."""

    secret: DnsLabel = Field(
        default="mizzen-postgres",
        description="an existing Secret with PGUSER, PGPASSWORD and PGDATABASE, and with PGHOST "
        "and PGPORT unless `postgres.enabled`",
    )
    ssl_mode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = Field(
        default="prefer", description="libpq's sslmode"
    )


class Volume(Values):
    """What the data lie on."""

    size: Quantity = Field(default="10Gi", description="size of the claim")
    storage_class: OptionalName = Field(
        default="", description="the cluster's default when empty", examples=["ssd"]
    )


class Postgres(Values):
    """A PostgreSQL of one pod, for small installs: no replica and no backup."""

    enabled: bool = Field(default=False, description="run it")
    image: Image = Field(
        default=Image(repository="postgres", tag="17.6"),
        description="an image that reads POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and PGDATA",
    )
    user_id: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        default=999, description="the number of the user that the image runs as"
    )
    volume: Volume = Field(default=Volume(), description="what the data lie on")
    resources: Resources = Field(
        default=resources("100m", "256Mi", "1Gi"), description="of the pod"
    )


class S3(Values):
    """The object store, where models, snapshots and prediction logs lie."""

    secret: DnsLabel = Field(
        default="mizzen-s3",
        description="an existing Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and "
        "perhaps AWS_ENDPOINT_URL and AWS_REGION",
    )
    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] = (
        Field(default="mizzen", description="an existing bucket")
    )
    endpoint: Annotated[str, StringConstraints(pattern=r"^(https?://[^/@]+)?$")] = Field(
        default="",
        description="address of the store; the Secret's, or Amazon's, when empty",
        examples=["https://s3.example.com"],
        json_schema_extra={"allowed": "an http(s) address without a path, or empty"},
    )
    region: str = Field(default="", description="the Secret's when empty", examples=["us-east-1"])


class ApiRoute(Values):
    """An HTTPRoute to the control API."""

    enabled: bool = Field(default=True, description="make it")


class MlflowRoute(Values):
    """An HTTPRoute to MLflow."""

    enabled: bool = Field(default=False, description="make it")
    path: UrlPath = Field(
        default="/mlflow", description="beginning of the path, taken off before MLflow sees it"
    )


class Gateway(Values):
    """Where requests come in, for the platform and for every model: a Gateway of the Gateway API,
    called `<release>-gateway`."""

    enabled: bool = Field(default=True, description="make it")
    class_name: DnsLabel = Field(
        default="envoy", description="the GatewayClass", examples=["cilium", "istio"]
    )
    hostname: Annotated[str, StringConstraints(pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)*)?$")] = Field(
        default="",
        description="the only name that is answered to; every name when empty",
        examples=["mizzen.example.com"],
    )
    http: Literal["serve", "redirect", "off"] = Field(
        default="serve",
        description="what port 80 does for the API and MLflow; `redirect` leads to https; "
        "models answer there unless it is off",
    )
    tls_secret: OptionalName = Field(
        default="",
        description="an existing Secret of type kubernetes.io/tls; no https when empty",
        examples=["mizzen-tls"],
    )
    api: ApiRoute = Field(
        default=ApiRoute(),
        description="the control API, at `/api/v1`; not its metrics, which ask for no token",
    )
    mlflow: MlflowRoute = Field(
        default=MlflowRoute(),
        description="MLflow; whoever reaches it may do everything, it knows no users",
    )


class Job(Values):
    """A CronJob."""

    enabled: bool = Field(description="make it")
    schedule: Schedule = Field(description="when it runs, in the cluster's time")


class Project(Values):
    """A project whose jobs run here. What is null is as in `jobs`."""

    name: DnsLabel = Field(description="the project's name")
    drift: Job | None = Field(default=None, description="in place of `jobs.drift`")
    materialize: Job | None = Field(default=None, description="in place of `jobs.materialize`")


class Jobs(Values):
    """The jobs of every project, and how they run."""

    drift: Job = Field(
        default=Job(enabled=True, schedule="17 * * * *"),
        description="compares predictions with what the model was trained on",
    )
    materialize: Job = Field(
        default=Job(enabled=False, schedule="47 * * * *"),
        description="loads the newest feature values into the online store",
    )
    image: Image = Field(default=STEPS, description="the image of steps on tables")
    predictions: Prefix = Field(
        default="predictions",
        description="prefix in the bucket of the shipped prediction logs; `/<project>` follows",
    )
    snapshots: Prefix = Field(default="data", description="prefix in the bucket of data snapshots")
    features: Prefix = Field(
        default="features", description="prefix in the bucket of the features' history"
    )
    pushgateway: Annotated[str, StringConstraints(pattern=r"^(https?://[^/@]+(/.*)?)?$")] = Field(
        default="",
        description="a Prometheus push gateway for the jobs' figures; none when empty",
        examples=["http://pushgateway.monitoring:9091"],
    )
    deadline_seconds: Annotated[int, Field(ge=1)] = Field(
        default=3600, description="how long one run may take"
    )
    resources: Resources = Field(
        default=resources("100m", "512Mi", "2Gi"), description="of each run"
    )


class Network(Values):
    """NetworkPolicies: in this namespace nothing is reached and nothing reaches out but by an
    edge of this list. Ends of edges are components of this chart or peers named below."""

    enabled: bool = Field(default=True, description="make the policies")
    edges: tuple[Edge, ...] = Field(
        default=EDGES, description="who may open connections to whom; all else is refused"
    )
    gateway: Peer = Field(
        default=Peer(namespace="envoy-gateway-system"), description="the gateway's data plane"
    )
    prometheus: Peer = Field(
        default=Peer(namespace="monitoring"), description="who reads the metrics"
    )
    dns: Endpoint = Field(
        default=Endpoint(namespace="kube-system", pod_labels={"k8s-app": "kube-dns"}, port=53),
        description="the cluster's names",
    )
    database: Endpoint = Field(
        default=Endpoint(cidr="0.0.0.0/0", port=5432),
        description="PostgreSQL, unless `postgres.enabled`",
    )
    s3: Endpoint = Field(
        default=Endpoint(cidr="0.0.0.0/0", port=443), description="the object store"
    )
    pushgateway: Endpoint = Field(
        default=Endpoint(namespace="monitoring", port=9091),
        description="the push gateway, where `jobs.pushgateway` is given",
    )


class Quota(Values):
    """A ResourceQuota: what all pods of the namespace may ask for."""

    enabled: bool = Field(default=False, description="make it")
    hard: Labels = Field(
        default={
            "pods": "50",
            "requests.cpu": "8",
            "requests.memory": "32Gi",
            "limits.memory": "64Gi",
            "persistentvolumeclaims": "20",
        },
        description="amounts, as Kubernetes names them",
    )


class LimitRange(Values):
    """What containers get that ask for nothing, and what none may exceed."""

    enabled: bool = Field(default=False, description="make it")
    requests: Labels = Field(
        default={"cpu": "50m", "memory": "128Mi"}, description="asked for in their stead"
    )
    limits: Labels = Field(default={"memory": "512Mi"}, description="their limits")
    most: Labels = Field(default={"memory": "16Gi"}, description="no container has more")


class Labelled(Values):
    """An object that something else finds by its labels."""

    enabled: bool = Field(default=False, description="make it")
    labels: Labels = Field(
        default={}, description="labels it is found by", examples=[{"release": "prometheus"}]
    )


class Rules(Labelled):
    """Alerts; each names a page that says what to do."""

    runbook_url: str = Field(
        default="",
        description="address in front of an alert's name, where people find its runbook; empty for "
        "the control API, which answers with those of `monitoring/runbooks`: through the gateway "
        "where it has a hostname, else by its Service",
        examples=["https://wiki.example.com/runbooks"],
    )


class Discovery(Values):
    """Lets a Prometheus that is restricted to named namespaces find the pods of this one."""

    enabled: bool = Field(default=False, description="make Role and RoleBinding")
    service_account: DnsLabel = Field(default="prometheus", description="its ServiceAccount")
    namespace: DnsLabel = Field(default="monitoring", description="the account's namespace")


class Monitoring(Values):
    """What a Prometheus operator and Grafana find. The first three need the operator's CRDs."""

    service_monitor: Monitor = Field(
        default=Monitor(), description="a ServiceMonitor for the control API"
    )
    pod_monitor: Monitor = Field(
        default=Monitor(),
        description="a PodMonitor for the containers that ship models' prediction logs",
    )
    rules: Rules = Field(
        default=Rules(), description="a PrometheusRule with the alerts of `monitoring/alerts`"
    )
    dashboards: Labelled = Field(
        default=Labelled(labels={"grafana_dashboard": "1"}),
        description="a ConfigMap for each dashboard of `monitoring/dashboards`",
    )
    discovery: Discovery = Field(
        default=Discovery(), description="rights of a Prometheus to find pods here"
    )


class PlatformValues(Values):
    """The platform of one namespace: control API, MLflow, features, gateway, jobs, and what
    guards and watches them. Each part can be switched off, and nothing of it is then left.

    ```sh
    helm install mizzen charts/mizzen -f charts/mizzen/profiles/dev.yaml
    helm test mizzen
    ```

    The chart holds no credentials. Secrets that have to exist in the namespace before:

    | Secret | keys | who gets them |
    |---|---|---|
    | `mizzen-api-token` | `token` | control API, jobs |
    | `mizzen-postgres` | `PGUSER`, `PGPASSWORD`, `PGDATABASE`, `PGHOST`, `PGPORT` | control API, \
MLflow, features, jobs |
    | `mizzen-s3` | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, perhaps `AWS_ENDPOINT_URL`, \
`AWS_REGION` | MLflow, jobs |

    Parts share one database, in schemas of their own, which their migrations make. Migrations are
    Jobs that run before anything else changes; with a PostgreSQL of this chart they run beside
    it, and what needs them waits. `helm rollback` leaves a newer schema as it is: each version
    works on the schema of the next.
    """

    image_pull_secrets: tuple[DnsLabel, ...] = Field(
        default=(), description="existing Secrets for the registry", examples=[["registry"]]
    )
    api: Api = Field(default=Api(), description="the control API")
    mlflow: Mlflow = Field(default=Mlflow(), description="MLflow's server")
    features: Features = Field(default=Features(), description="Feast's registry and server")
    database: Database = Field(default=Database(), description="where everything is kept")
    postgres: Postgres = Field(default=Postgres(), description="a PostgreSQL for small installs")
    s3: S3 = Field(default=S3(), description="the object store")
    gateway: Gateway = Field(default=Gateway(), description="where requests come in")
    projects: tuple[Project, ...] = Field(
        default=(), description="projects whose jobs run here", examples=[[{"name": "flights"}]]
    )
    jobs: Jobs = Field(default=Jobs(), description="how the jobs of projects run")
    network: Network = Field(default=Network(), description="who may talk to whom")
    quota: Quota = Field(default=Quota(), description="what the namespace may use in all")
    limit_range: LimitRange = Field(default=LimitRange(), description="what a container may use")
    monitoring: Monitoring = Field(default=Monitoring(), description="metrics, alerts, dashboards")
    placement: Placement = Field(default=Placement(), description="which nodes")
    service_account: ServiceAccount = Field(
        default=ServiceAccount(), description="the account of the pods"
    )
