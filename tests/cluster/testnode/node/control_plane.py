"""etcd, API server, controller manager and scheduler: their command lines. Pure."""

from __future__ import annotations

from testnode.building import parts
from testnode.node.audit import audit_flags
from testnode.node.process import Process
from testnode.spec import API_PORT, DISK, HOME, SERVICE_NETWORK, NodeSpec

ETCD = "http://127.0.0.1:2379"
ETCD_PEER = "http://127.0.0.1:2380"
PKI = HOME / "pki"


def control_plane(spec: NodeSpec) -> list[Process]:
    return [_etcd(), _api_server(spec), _controller_manager(), _scheduler()]


def _etcd() -> Process:
    flags = {
        "data-dir": f"{DISK}/etcd",
        "listen-client-urls": ETCD,
        "advertise-client-urls": ETCD,
        "listen-peer-urls": ETCD_PEER,
        "initial-advertise-peer-urls": ETCD_PEER,
        "initial-cluster": f"default={ETCD_PEER}",
        "unsafe-no-fsync": "true",  # the data never outlives the node
    }
    return _process("etcd", "etcd", flags)


def _api_server(spec: NodeSpec) -> Process:
    flags = {
        "etcd-servers": ETCD,
        "advertise-address": spec.address,
        "secure-port": str(API_PORT),
        "service-cluster-ip-range": SERVICE_NETWORK,
        "client-ca-file": f"{PKI}/ca.crt",
        "tls-cert-file": f"{PKI}/apiserver.crt",
        "tls-private-key-file": f"{PKI}/apiserver.key",
        "kubelet-client-certificate": f"{PKI}/apiserver-kubelet.crt",
        "kubelet-client-key": f"{PKI}/apiserver-kubelet.key",
        "kubelet-certificate-authority": f"{PKI}/ca.crt",
        # by name first, `kubectl logs` waits 10 s for a DNS that does not know the node
        "kubelet-preferred-address-types": "InternalIP",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        **_service_account_flags(),
        **_aggregation_flags(),
        **audit_flags(),
    }
    return _process("kube-apiserver", "kubernetes", flags)


def _service_account_flags() -> dict[str, str]:
    key = f"{PKI}/service-accounts.key"
    return {
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
    }


def _aggregation_flags() -> dict[str, str]:
    """How metrics-server, an API behind the API server, knows who is asking."""
    return {
        "requestheader-client-ca-file": f"{PKI}/front-proxy-ca.crt",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": f"{PKI}/front-proxy.crt",
        "proxy-client-key-file": f"{PKI}/front-proxy.key",
    }


def _controller_manager() -> Process:
    flags = {
        "kubeconfig": f"{HOME}/controller-manager.conf",
        "service-account-private-key-file": f"{PKI}/service-accounts.key",
        "root-ca-file": f"{PKI}/ca.crt",
        "cluster-signing-cert-file": f"{PKI}/ca.crt",
        "cluster-signing-key-file": f"{PKI}/ca.key",
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        # the defaults (15 s, 5 min, 30 s) suit clusters of years, not tests of seconds
        "horizontal-pod-autoscaler-sync-period": "3s",
        "horizontal-pod-autoscaler-cpu-initialization-period": "15s",
        "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
    }
    return _process("kube-controller-manager", "kubernetes", flags)


def _scheduler() -> Process:
    flags = {"kubeconfig": f"{HOME}/scheduler.conf", "leader-elect": "false"}
    return _process("kube-scheduler", "kubernetes", flags)


def _process(name: str, part: str, flags: dict[str, str]) -> Process:
    words = [f"--{flag}={value}" for flag, value in flags.items()]
    return Process(name, (str(parts.program(name, part)), *words))
