"""containerd, kubelet and kube-proxy: command lines and configuration files. Pure.

The settings that look odd answer to the kernel: control groups of version 1 only, no right to
lower an OOM score, no dummy device.
"""

from __future__ import annotations

import json

from testnode.building import parts
from testnode.node.process import Process
from testnode.spec import DNS_SERVICE, HOME, POD_NETWORK, NodeSpec

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "mizzen.test/pause:1"
PKI = HOME / "pki"
CNI_PLUGINS = "/usr/lib/cni"


def worker(spec: NodeSpec) -> list[Process]:
    kubelet = (
        str(parts.program("kubelet", "kubernetes")),
        f"--kubeconfig={HOME}/kubelet.conf",
        f"--config={HOME}/kubelet.json",
        f"--hostname-override={spec.name}",
        f"--node-ip={spec.address}",
    )
    proxy = (str(parts.program("kube-proxy", "kubernetes")), f"--config={HOME}/proxy.json")
    return [
        Process("containerd", ("containerd", "--config", f"{HOME}/containerd.toml")),
        Process("kubelet", kubelet),
        Process("kube-proxy", proxy),
    ]


def worker_files(spec: NodeSpec) -> dict[str, str]:
    return {
        "containerd.toml": CONTAINERD,
        "cni/10-pods.conflist": json.dumps(_pod_network()),
        "kubelet.json": json.dumps(_kubelet(spec), indent=1),
        "proxy.json": json.dumps(_proxy(spec), indent=1),
        "resolv.conf": f"nameserver {spec.address}\n",
    }


CONTAINERD = f"""\
version = 2
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # without CAP_SYS_RESOURCE no process may lower its OOM score, and every sandbox would die
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{HOME}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


def _pod_network() -> dict[str, object]:
    """A routed link per pod. Behind a bridge, answers between two pods would pass by the
    packet filter, and a pod could not reach its neighbour through a Service.
    """
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_NETWORK}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {"type": "ptp", "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(spec: NodeSpec) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{PKI}/kubelet.crt",
        "tlsPrivateKeyFile": f"{PKI}/kubelet.key",
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{HOME}/resolv.conf",
        "maxPods": 200,
        **_kubelet_and_the_kernel(spec),
        **_kubelet_and_the_disk(),
    }


def _kubelet_and_the_kernel(spec: NodeSpec) -> dict[str, object]:
    return {
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{spec.name}",
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
