"""Certificates of one node, made anew at every start by openssl and deleted with the node."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from testnode.commands import run
from testnode.spec import API_SERVICE, NodeSpec, Worker

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
DAYS = "30"
# openssl's own configuration file would make every certificate an authority
CONFIG = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, digitalSignature
[leaf]
keyUsage = digitalSignature
extendedKeyUsage = serverAuth, clientAuth
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate speaks for: Kubernetes reads user and group from the subject."""

    user: str
    group: str = ""
    names: tuple[str, ...] = ()
    authority: str = "ca"

    @property
    def subject(self) -> str:
        return (f"/O={self.group}" if self.group else "") + f"/CN={self.user}"


def identities(spec: NodeSpec) -> dict[str, Identity]:
    api_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
    api_addresses = (spec.address, API_SERVICE, "127.0.0.1")
    return {
        "apiserver": Identity("kube-apiserver", names=(*_dns(api_names), *_ip(api_addresses))),
        "apiserver-kubelet": Identity("kube-apiserver-kubelet-client"),
        "front-proxy": Identity("front-proxy-client", authority="front-proxy-ca"),
        "admin": Identity("admin", group="system:masters"),
        **{worker.label("kubelet"): _kubelet(worker) for worker in spec.workers},
        "controller-manager": Identity("system:kube-controller-manager"),
        "scheduler": Identity("system:kube-scheduler"),
        "proxy": Identity("system:kube-proxy"),
        "coredns": Identity("system:coredns"),
    }


def _kubelet(worker: Worker) -> Identity:
    return Identity(
        f"system:node:{worker.name}",
        group="system:nodes",
        names=(*_dns((worker.name,)), *_ip((worker.address,))),
    )


def make_pki(spec: NodeSpec) -> None:
    folder = spec.folder / "pki"
    folder.mkdir(mode=0o700)
    (folder / "openssl.cnf").write_text(CONFIG)
    for authority in ("ca", "front-proxy-ca"):
        _make_authority(folder, authority)
    for name, identity in identities(spec).items():
        _make_leaf(folder, name, identity)
    run(["openssl", "genrsa", "-out", folder / "service-accounts.key", "2048"])


def _make_authority(folder: Path, name: str) -> None:
    run([*_request(folder, name), "-subj", f"/CN=mizzen-{name}", "-extensions", "authority"])


def _make_leaf(folder: Path, name: str, identity: Identity) -> None:
    signer = folder / identity.authority
    names = ["-addext", f"subjectAltName={','.join(identity.names)}"] if identity.names else []
    signed_by = ["-CA", f"{signer}.crt", "-CAkey", f"{signer}.key"]
    request = _request(folder, name)
    run([*request, "-subj", identity.subject, "-extensions", "leaf", *names, *signed_by])


def _request(folder: Path, name: str) -> list[str]:
    serial = ["-set_serial", str(secrets.randbits(63))]
    files = ["-keyout", f"{folder / name}.key", "-out", f"{folder / name}.crt"]
    config = ["-config", f"{folder / 'openssl.cnf'}"]
    return ["openssl", "req", "-x509", *config, *CURVE, "-days", DAYS, *serial, *files]


def _dns(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"DNS:{name}" for name in names)


def _ip(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"IP:{address}" for address in addresses)
