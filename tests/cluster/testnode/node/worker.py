"""containerd, kubelet and kube-proxy: command lines and configuration files. Pure.

The settings that look odd answer to the kernel: control groups of version 1 only, no right to
lower an OOM score, no dummy device.
"""

from __future__ import annotations

import json
from pathlib import Path

from testnode.building import parts
from testnode.node.process import Process
from testnode.spec import DNS_SERVICE, HOME, POD_NETWORK, NodeSpec, Worker

PAUSE_IMAGE = "mizzen.test/pause:1"
PKI = HOME / "pki"
CNI_PLUGINS = "/usr/lib/cni"


def workers(spec: NodeSpec) -> list[Process]:
    """One kube-proxy serves all: they share the network namespace that it writes its rules to."""
    proxy = (str(parts.program("kube-proxy", "kubernetes")), f"--config={HOME}/proxy.json")
    each = [process for worker in spec.workers for process in _worker(worker)]
    return [*each, Process("kube-proxy", proxy)]


def worker_files(spec: NodeSpec) -> dict[str, str]:
    each = {
        f"{worker.folder.name}/{name}": text
        for worker in spec.workers
        for name, text in _files(spec, worker).items()
    }
    return {
        **each,
        "proxy.json": json.dumps(_proxy(spec), indent=1),
        "resolv.conf": f"nameserver {spec.address}\n",
    }


def _worker(worker: Worker) -> list[Process]:
    kubelet = (
        str(parts.program("kubelet", "kubernetes")),
        f"--kubeconfig={worker.folder}/kubelet.conf",
        f"--config={worker.folder}/kubelet.json",
        f"--hostname-override={worker.name}",
        f"--node-ip={worker.address}",
        f"--root-dir={worker.pods}",
    )
    containerd = ("containerd", "--config", f"{worker.folder}/containerd.toml")
    return [
        Process(worker.label("containerd"), containerd),
        Process(worker.label("kubelet"), kubelet),
    ]


def _files(spec: NodeSpec, worker: Worker) -> dict[str, str]:
    return {
        "containerd.toml": _containerd(worker),
        "cni/10-pods.conflist": json.dumps(_pod_network(worker)),
        "kubelet.json": json.dumps(_kubelet(spec, worker), indent=1),
    }


def _containerd(worker: Worker) -> str:
    return f"""\
version = 2
root = "{worker.images}"
state = "{Path(worker.containerd_socket).parent}"
[grpc]
  address = "{worker.containerd_socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # without CAP_SYS_RESOURCE no process may lower its OOM score, and every sandbox would die
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{worker.folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


def _pod_network(worker: Worker) -> dict[str, object]:
    """A routed link per pod. Behind a bridge, answers between two pods would pass by the
    packet filter, and a pod could not reach its neighbour through a Service.
    """
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": worker.pod_network}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": worker.label("pods"),
        "plugins": [
            {"type": "ptp", "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(spec: NodeSpec, worker: Worker) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": worker.address,
        "healthzPort": 0,  # nobody asks there, and two would ask for the same port
        "containerRuntimeEndpoint": f"unix://{worker.containerd_socket}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{PKI}/{worker.label('kubelet')}.crt",
        "tlsPrivateKeyFile": f"{PKI}/{worker.label('kubelet')}.key",
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{HOME}/resolv.conf",
        "maxPods": 200,
        "podLogsDir": f"/var/log/{worker.label('pods')}",  # each deletes what it does not know
        **_kubelet_and_the_kernel(spec, worker),
        **_kubelet_and_the_disk(),
    }


def _kubelet_and_the_kernel(spec: NodeSpec, worker: Worker) -> dict[str, object]:
    return {
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{spec.name}/{worker.folder.name}",
        "enforceNodeAllocatable": [],  # the group of all pods is the machine's, not ours to size
        "failSwapOn": False,
    }


def _kubelet_and_the_disk() -> dict[str, object]:
    """The disk is shared with whoever else uses the machine: never evict, never delete images."""
    return {
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
    }


def _proxy(spec: NodeSpec) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{HOME}/proxy.conf"},
        "mode": "nftables",  # ipvs is not in the kernel
        "clusterCIDR": POD_NETWORK,
        "hostnameOverride": spec.name,
        # these are the whole machine's and read-only from a network namespace
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }
