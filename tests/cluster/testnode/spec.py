"""Names and addresses of one node: the only settings that differ between two nodes.

A second instance lets a test start and kill a node of its own while another one is in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testnode import places
from testnode.errors import ClusterError

INSTANCES = range(10)
WORKERS = range(1, 10)
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
POD_NETWORK = "10.244.0.0/16"
API_PORT = 6443
POSTGRES_PORT = 5432
S3_PORT = 9000
S3_REGION = "us-east-1"
HOME = Path("/run/mizzen")  # the node's folder, as its own processes see it
DISK = HOME / "disk"  # the node's own file system, which is one file for everybody else


@dataclass(frozen=True, slots=True)
class Worker:
    """One kubelet with its containerd: a Node, as Kubernetes calls it."""

    name: str
    number: int
    address: str

    @property
    def folder(self) -> Path:
        """Its configuration."""
        return HOME / self.label("worker")

    @property
    def pod_network(self) -> str:
        return f"10.244.{self.number}.0/24"

    @property
    def containerd_socket(self) -> str:
        return f"/run/{self.label('containerd')}/containerd.sock"

    @property
    def images(self) -> str:
        """Where its containerd keeps images and what it unpacks of them."""
        return f"/var/lib/{self.label('containerd')}"

    @property
    def pods(self) -> str:
        return f"/var/lib/{self.label('kubelet')}"

    def label(self, program: str) -> str:
        """The program's name; with the worker's number from the second one on."""
        return f"{program}-{self.number}" if self.number else program


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node; pods and services live in its namespace, so their networks may repeat.

    With more than one worker it is a cluster of several Nodes. They share the namespaces, so
    pods of one reach those of another by the routes that are there.
    """

    instance: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if self.instance not in INSTANCES:
            raise ClusterError(
                f"instance {self.instance}", allowed="0 to 9", next_step="CLUSTER_INSTANCE=1"
            )
        if self.count not in WORKERS:
            raise ClusterError(
                f"{self.count} workers", allowed="1 to 9", next_step="CLUSTER_WORKERS=2"
            )

    @property
    def name(self) -> str:
        return f"mizzen{self.instance}"

    @property
    def address(self) -> str:
        return f"10.77.{self.instance}.2"

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The first has the name and the address of the whole."""
        return tuple(
            Worker(
                self.name + (f"-{number}" if number else ""),
                number,
                f"10.77.{self.instance}.{2 + number}",
            )
            for number in range(self.count)
        )

    @property
    def host_address(self) -> str:
        return f"10.77.{self.instance}.1"

    @property
    def host_link(self) -> str:
        return f"{self.name}h"

    @property
    def folder(self) -> Path:
        return places.node_folder(self.name)

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def api(self) -> str:
        return f"https://{self.address}:{API_PORT}"
