"""Where a release of the platform is tried: a restricted namespace with a database and a bucket of
its own and the Secrets that the chart asks for. Only on the node, whose PostgreSQL and S3 it uses.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from testnode.images.mizzen import PREFIX, TAG, image_name
from testnode.kubectl import Kubectl
from testnode.node.bootstrap import NAMESPACE
from testnode.spec import POSTGRES_PORT, S3_PORT
from testnode.workloads import Manifest, named

from scenario.addresses import node_address, s3_endpoint
from scenario.release import CHARTS, Release

CONTROL_IMAGE = image_name("control")
IMAGE = {"registry": PREFIX.rstrip("/"), "tag": TAG}
RESTRICTED = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A namespace that is ready for `helm install`."""

    namespace: str
    token: str
    kubectl: Kubectl

    def release(self, name: str = "mizzen") -> Release:
        return Release(CHARTS / "mizzen", name, self.namespace, self.kubectl)

    @property
    def bucket(self) -> str:
        return self.namespace

    @property
    def database(self) -> str:
        return self.namespace.replace("-", "_")

    def values(self) -> dict[str, Any]:
        """For profile dev: the images of this node, its PostgreSQL and its S3."""
        return {
            "api": {"image": IMAGE},
            "mlflow": {"image": IMAGE},
            "features": {"image": IMAGE, "project": "flights"},
            "postgres": {"enabled": False},
            "s3": {"bucket": self.bucket},
            "network": {
                "s3": {"port": S3_PORT},
                "dns": {"cidr": f"{node_address(self.kubectl)}/32"},
            },
        }


def set_stage(kubectl: Kubectl, name: str) -> Stage:
    """Make everything but the release. What is there of it stays."""
    stage = Stage(name, _token(kubectl, name), kubectl)
    postgres, s3 = (secret_of(kubectl, which, NAMESPACE) for which in ("postgres", "s3"))
    make_database(kubectl, postgres, stage.database)
    make_bucket(kubectl, s3, stage.bucket)
    kubectl.apply(
        [
            restricted_namespace(name),
            secret("mizzen-postgres", name, {**postgres, "PGDATABASE": stage.database}),
            secret("mizzen-s3", name, s3),
            secret("mizzen-api-token", name, {"token": stage.token}),
        ]
    )
    kubectl.wait("create", "serviceaccount/default", "--namespace", name)
    return stage


def _token(kubectl: Kubectl, namespace: str) -> str:
    where = ("--namespace", namespace, "--ignore-not-found")
    if kubectl.run("get", "secret", "mizzen-api-token", *where):
        return secret_of(kubectl, "mizzen-api-token", namespace)["token"]
    return secrets.token_urlsafe(24)


def strike_stage(stage: Stage) -> None:
    """Delete the namespace with all that is in it, and the database; the bucket goes with S3."""
    routes = "gateways,httproutes,backendtlspolicies"
    stage.kubectl.run("delete", routes, "--all", "--namespace", stage.namespace)
    stage.kubectl.run("delete", "namespace", stage.namespace, "--wait=false")
    postgres = secret_of(stage.kubectl, "postgres", NAMESPACE)
    statement = f"drop database if exists {stage.database} with (force)"
    _execute(stage.kubectl, postgres, statement)


def restricted_namespace(name: str) -> Manifest:
    made = named("v1", "Namespace", name)
    made["metadata"]["labels"] = RESTRICTED
    return made


def secret(name: str, namespace: str, data: Mapping[str, str], kind: str = "Opaque") -> Manifest:
    return named("v1", "Secret", name, namespace, type=kind, stringData=dict(data))


def secret_of(kubectl: Kubectl, name: str, namespace: str) -> dict[str, str]:
    """A Secret's data, readable."""
    data = kubectl.get("secret", name, "--namespace", namespace)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def make_database(kubectl: Kubectl, postgres: Mapping[str, str], name: str) -> None:
    from psycopg.errors import DuplicateDatabase

    with suppress(DuplicateDatabase):
        _execute(kubectl, postgres, f"create database {name}")


def make_bucket(kubectl: Kubectl, s3: Mapping[str, str], name: str) -> None:
    client = s3_client(kubectl, s3)
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=name)


def s3_client(kubectl: Kubectl, s3: Mapping[str, str]) -> Any:
    """The node's S3, as this machine reaches it with a Secret's credentials."""
    import boto3  # type: ignore[import-untyped]

    return boto3.client(
        "s3",
        endpoint_url=s3_endpoint(kubectl),
        region_name=s3["AWS_REGION"],
        aws_access_key_id=s3["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=s3["AWS_SECRET_ACCESS_KEY"],
    )


def _execute(kubectl: Kubectl, postgres: Mapping[str, str], statement: str) -> None:
    import psycopg

    with psycopg.connect(
        host=node_address(kubectl),
        port=POSTGRES_PORT,
        user=postgres["PGUSER"],
        password=postgres["PGPASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as database:
        database.execute(statement.encode())
