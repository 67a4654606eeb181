"""The first objects of a new node: who may what, and Services for the processes beside it. Pure."""

from __future__ import annotations

from testnode.node.services import DATABASE, USER, Credentials
from testnode.spec import DNS_SERVICE, POSTGRES_PORT, S3_PORT, S3_REGION, NodeSpec
from testnode.workloads import Manifest, named

NAMESPACE = "mizzen-test"


def bootstrap(spec: NodeSpec, credentials: Credentials) -> list[Manifest]:
    return [
        named("v1", "Namespace", NAMESPACE),
        *_rights(),
        *_dns(spec),
        *_s3(spec, credentials),
        *_postgres(spec, credentials),
    ]


def _rights() -> list[Manifest]:
    dns_reads = [
        _rule("", "services", "pods", "namespaces"),
        _rule("discovery.k8s.io", "endpointslices"),
    ]
    return [
        _cluster_role_binding("system:kubelet-api-admin", "kube-apiserver-kubelet-client"),
        named("rbac.authorization.k8s.io/v1", "ClusterRole", "system:coredns", rules=dns_reads),
        _cluster_role_binding("system:coredns", "system:coredns"),
    ]


def _dns(spec: NodeSpec) -> list[Manifest]:
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    return _beside_the_node(spec, "kube-dns", "kube-system", ports, clusterIP=DNS_SERVICE)


def _s3(spec: NodeSpec, credentials: Credentials) -> list[Manifest]:
    secret = {
        "AWS_ENDPOINT_URL": f"http://s3.{NAMESPACE}.svc.cluster.local:{S3_PORT}",
        "AWS_REGION": S3_REGION,
        "AWS_ACCESS_KEY_ID": USER,
        "AWS_SECRET_ACCESS_KEY": credentials.s3_secret,
    }
    ports = [{"name": "http", "port": S3_PORT, "protocol": "TCP"}]
    return [
        *_beside_the_node(spec, "s3", NAMESPACE, ports),
        named("v1", "Secret", "s3", NAMESPACE, stringData=secret),
    ]


def _postgres(spec: NodeSpec, credentials: Credentials) -> list[Manifest]:
    secret = {
        "PGHOST": f"postgres.{NAMESPACE}.svc.cluster.local",
        "PGPORT": str(POSTGRES_PORT),
        "PGDATABASE": DATABASE,
        "PGUSER": USER,
        "PGPASSWORD": credentials.postgres_password,
    }
    ports = [{"name": "postgres", "port": POSTGRES_PORT, "protocol": "TCP"}]
    return [
        *_beside_the_node(spec, "postgres", NAMESPACE, ports),
        named("v1", "Secret", "postgres", NAMESPACE, stringData=secret),
    ]


def _beside_the_node(
    spec: NodeSpec, name: str, namespace: str, ports: list[Manifest], **service: str
) -> list[Manifest]:
    """A Service without selector, and the slice that leads it to the node's own address."""
    labels = {"kubernetes.io/service-name": name}
    slice_ = named("discovery.k8s.io/v1", "EndpointSlice", f"{name}-node", namespace)
    slice_["metadata"]["labels"] = labels
    slice_["addressType"] = "IPv4"
    slice_["ports"] = ports
    slice_["endpoints"] = [{"addresses": [spec.address], "conditions": {"ready": True}}]
    return [named("v1", "Service", name, namespace, spec={"ports": ports, **service}), slice_]


def _rule(group: str, *resources: str) -> Manifest:
    return {"apiGroups": [group], "resources": list(resources), "verbs": ["list", "watch"]}


def _cluster_role_binding(role: str, user: str) -> Manifest:
    group = "rbac.authorization.k8s.io"
    return named(
        f"{group}/v1",
        "ClusterRoleBinding",
        f"mizzen:{user.removeprefix('system:')}",
        roleRef={"apiGroup": group, "kind": "ClusterRole", "name": role},
        subjects=[{"apiGroup": group, "kind": "User", "name": user}],
    )
