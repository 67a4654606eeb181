"""A real Prometheus beside a node, which reads monitors as the operator would.

`scrape_configs` is the part of the operator that our monitors need: a PodMonitor or ServiceMonitor
as the API server stored it -> jobs of a Prometheus that finds pods by itself. Pure. `Prometheus`
runs in the node's network, so that it reaches pods, with the token of a ServiceAccount.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnode.building import parts
from testnode.errors import ClusterError
from testnode.node.netns import inside
from testnode.spec import NodeSpec

Object = Mapping[str, Any]
PORT = 19090
CARRIED = "__meta_kubernetes_pod_label_"


def require_prometheus() -> None:
    """Raise unless ours is built: Debian's is compiled without Kubernetes' discovery."""
    parts.program("prometheus")


def scrape_configs(
    monitor: Object, namespace: str, access: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Jobs that find pods in one namespace. A ServiceMonitor is read as the pods behind it: its
    Service's selector is the one that the pods have."""
    spec = monitor["spec"]
    endpoints = spec.get("podMetricsEndpoints") or spec["endpoints"]
    discovery = {"role": "pod", "namespaces": {"names": [namespace]}, **access}
    return [
        {
            "job_name": f"{monitor['kind']}/{monitor['metadata']['name']}/{number}",
            "metrics_path": endpoint.get("path", "/metrics"),
            "scheme": endpoint.get("scheme", "http"),
            "scrape_interval": "1s",  # the monitor's is for clusters of years
            "kubernetes_sd_configs": [discovery],
            "relabel_configs": [
                *_selection(spec["selector"]),
                _keep(["__meta_kubernetes_pod_container_port_name"], endpoint["port"]),
                # as the operator does: a pod that ended has an address that may be another's
                {
                    "action": "drop",
                    "source_labels": ["__meta_kubernetes_pod_phase"],
                    "regex": "(Failed|Succeeded)",
                },
                _named("__meta_kubernetes_pod_name", "pod"),
            ],
        }
        for number, endpoint in enumerate(endpoints)
    ]


def _selection(selector: Object) -> Iterable[dict[str, Any]]:
    for label, value in selector.get("matchLabels", {}).items():
        yield _keep([CARRIED + _plain(label)], value)
    for expression in selector.get("matchExpressions", ()):
        if expression["operator"] != "Exists":
            raise ClusterError(f"selector with {expression['operator']}", allowed="Exists")
        present = CARRIED.replace("_label_", "_labelpresent_") + _plain(expression["key"])
        yield _keep([present], "true")


def _keep(labels: list[str], value: str) -> dict[str, Any]:
    return {"action": "keep", "source_labels": labels, "regex": value}


def _named(label: str, name: str) -> dict[str, Any]:
    return {"source_labels": [label], "target_label": name}


def _plain(label: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in label)


@dataclass(frozen=True, slots=True)
class Account:
    """Whom Prometheus speaks to the API server as: files, so that no token is on a command line."""

    api: str
    token_file: Path
    authority_file: Path

    def access(self) -> dict[str, Any]:
        return {
            "api_server": self.api,
            "authorization": {"credentials_file": str(self.token_file)},
            "tls_config": {"ca_file": str(self.authority_file)},
        }


class Prometheus:
    """One server, in the network of a node."""

    def __init__(self, spec: NodeSpec, folder: Path, jobs: list[dict[str, Any]]) -> None:
        self._spec, self._folder, self._jobs = spec, folder, jobs
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = self._folder / "prometheus.json"  # YAML takes it
        settings.write_text(json.dumps({"scrape_configs": self._jobs}, indent=1))
        listen = f"{self._spec.address}:{PORT}"
        program = str(parts.program("prometheus"))
        command = [program, f"--config.file={settings}", f"--web.listen-address={listen}"]
        stored = f"--storage.tsdb.path={self._folder / 'data'}"
        with (self._folder / "prometheus.log").open("w") as log:
            self._process = subprocess.Popen(
                inside(self._spec, [*command, stored]),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def stop(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()

    def value(self, query: str) -> float:
        """Of a query with one answer; 0 when there is none yet."""
        found = self.ask("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def targets(self) -> list[dict[str, Any]]:
        return list(self.ask("targets", state="active")["activeTargets"])

    def ask(self, what: str, **words: str) -> Any:
        query = urllib.parse.urlencode(words)
        address = f"http://{self._spec.address}:{PORT}/api/v1/{what}?{query}"
        with urllib.request.urlopen(address, timeout=5) as answer:
            return json.load(answer)["data"]
