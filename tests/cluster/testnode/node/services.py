"""DNS, S3 and PostgreSQL: processes beside the kubelet, reached by pods through Services.

They need no image, so they are there when the node is. Command lines and files; pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testnode.building import parts
from testnode.node.process import Process
from testnode.spec import DISK, HOME, POSTGRES_PORT, S3_PORT, S3_REGION, NodeSpec

POSTGRES_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
# folders on the node's disk that the programs expect, and whose they are
FOLDERS = {"s3": "root", "postgres": "postgres"}
DATABASE = "mizzen"
USER = "mizzen"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Made at random for each start; pods get them from the Secrets of bootstrap.py."""

    postgres_password: str
    s3_secret: str


def services(spec: NodeSpec, credentials: Credentials) -> list[Process]:
    return [_dns(), _s3(spec, credentials), _postgres(spec)]


def service_files(spec: NodeSpec, credentials: Credentials) -> dict[str, str]:
    return {
        "Corefile": _corefile(spec),
        "postgres-password": credentials.postgres_password,
        "postgres-start": _postgres_start(spec),
    }


def _dns() -> Process:
    return Process("coredns", (str(parts.program("coredns")), "-conf", f"{HOME}/Corefile"))


def _corefile(spec: NodeSpec) -> str:
    """Names outside the cluster do not exist here, and saying so at once beats a timeout."""
    return f"""\
cluster.local 10.in-addr.arpa {{
    bind {spec.address}
    errors
    kubernetes cluster.local 10.in-addr.arpa {{
        kubeconfig {HOME}/coredns.conf
        ttl 1
    }}
}}
. {{
    bind {spec.address}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def _s3(spec: NodeSpec, credentials: Credentials) -> Process:
    listen = ("--port", f"{spec.address}:{S3_PORT}", "--region", S3_REGION)
    argv = (str(parts.program("versitygw")), *listen, "posix", f"{DISK}/s3")
    env = {"ROOT_ACCESS_KEY": USER, "ROOT_SECRET_KEY": credentials.s3_secret}
    return Process("versitygw", argv, env=env)


def _postgres(spec: NodeSpec) -> Process:
    argv = ("sh", f"{HOME}/postgres-start")
    return Process("postgres", argv, user="postgres")  # it refuses to run as root


def _postgres_start(spec: NodeSpec) -> str:
    home = f"{DISK}/postgres"
    return f"""\
set -eu
data={home}/data
PATH={POSTGRES_PROGRAMS}:$PATH
if [ ! -f $data/PG_VERSION ]; then
    initdb --pgdata=$data --username={USER} --pwfile={HOME}/postgres-password \\
        --auth=scram-sha-256 --encoding=UTF8 --no-locale --no-sync
    echo "host all all 0.0.0.0/0 scram-sha-256" >> $data/pg_hba.conf
    echo "create database {DATABASE}" | postgres --single -D $data postgres
fi
exec postgres -D $data -h {spec.address} -p {POSTGRES_PORT} -k {home} \\
    -c fsync=off -c max_connections=300
"""
