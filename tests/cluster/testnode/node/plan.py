"""What one node runs: a pure function from its names to processes and files.

`lifecycle.up` writes the files and hands the processes to the supervisor. Paths are those that the
processes see (supervisor.py makes them): the node's folder is /run/mizzen, and the usual
places under /var are private to the node.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from testnode.node.audit import audit_files
from testnode.node.control_plane import control_plane
from testnode.node.process import Process
from testnode.node.services import FOLDERS, Credentials, service_files, services
from testnode.node.worker import worker_files, workers
from testnode.spec import NodeSpec

VOLUMES = "/var/lib/volumes"  # where local-path-provisioner makes them


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a node but its certificates; files by their path in the node's folder."""

    spec: NodeSpec
    processes: tuple[Process, ...]
    files: dict[str, str]

    def for_supervisor(self) -> str:
        return json.dumps(
            {
                "name": self.spec.name,
                "folder": str(self.spec.folder),
                "addresses": [worker.address for worker in self.spec.workers],
                "usual": _usual(self.spec),
                "gateway": self.spec.host_address,
                "folders": FOLDERS,
                "processes": [asdict(process) for process in self.processes],
            },
            indent=1,
        )


def _usual(spec: NodeSpec) -> dict[str, str]:
    """Folders of the disk that stand at their usual places; an overlay cannot hold image layers."""
    places = [place for worker in spec.workers for place in (worker.images, worker.pods)]
    return {Path(place).name: place for place in (*places, VOLUMES)}


def plan_of(spec: NodeSpec, credentials: Credentials) -> Plan:
    return Plan(
        spec=spec,
        processes=(*control_plane(spec), *workers(spec), *services(spec, credentials)),
        files={**audit_files(), **worker_files(spec), **service_files(spec, credentials)},
    )
