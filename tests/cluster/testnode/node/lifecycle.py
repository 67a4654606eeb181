"""Up and down of one node. `providers` offers it as CLUSTER=node; tests start a second one."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from testnode.building import debian, parts
from testnode.commands import tail
from testnode.errors import ClusterError
from testnode.images.store import PAUSE, load_image
from testnode.kubectl import Kubectl
from testnode.node import cgroups
from testnode.node.api import api_ready, node_ready, pods_admitted
from testnode.node.bootstrap import bootstrap
from testnode.node.disk import abandon_disk, make_disk
from testnode.node.footprint import kept_by_kernel
from testnode.node.kubeconfig import write_kubeconfig
from testnode.node.netns import close_netns, first_process, open_netns
from testnode.node.pki import make_pki
from testnode.node.plan import Plan, plan_of
from testnode.node.services import Credentials
from testnode.spec import NodeSpec

KUBECONFIGS = {
    "kubeconfig": "admin",
    "controller-manager.conf": "controller-manager",
    "scheduler.conf": "scheduler",
    "proxy.conf": "proxy",
    "coredns.conf": "coredns",
}
WITHIN_S = 90.0  # generous: the machine may be busy; the usual figure is in the README


def require_buildable() -> None:
    """Raise unless this machine can run a node now; add-ons may still be missing."""
    if os.geteuid() != 0:
        raise ClusterError(
            "not root", allowed="root: namespaces, mounts and control groups are the kernel's"
        )
    cgroups.require_version_1()
    wanted = [*parts.missing(parts.CORE), *debian.missing_packages()]
    if wanted:
        raise ClusterError(
            f"not built or not installed: {', '.join(wanted)}",
            next_step="make cluster-build   (python tests/cluster build)",
        )


def up(spec: NodeSpec) -> float:
    """Start the node, sweeping first what an earlier one left; return the seconds to Ready."""
    require_buildable()
    down(spec)
    begun = time.monotonic()
    credentials = Credentials(secrets.token_urlsafe(18), secrets.token_urlsafe(18))
    plan_file = _write(plan_of(spec, credentials))
    open_netns(spec, plan_file)
    _until(spec, lambda: api_ready(spec), "the API server does not answer")
    kubectl(spec).apply(bootstrap(spec, credentials))
    load_image(spec, PAUSE)
    _until(spec, lambda: node_ready(spec), "the node is not Ready")
    _until(spec, lambda: pods_admitted(spec), "the controller manager does nothing")
    return time.monotonic() - begun


def down(spec: NodeSpec) -> None:
    """End the node and delete its files. Idempotent, and does not trust what is written down."""
    supervisor = first_process(spec)
    if supervisor is not None:
        abandon_disk(supervisor)
    close_netns(spec)
    shutil.rmtree(spec.folder, ignore_errors=True)
    _wait_for(lambda: not kept_by_kernel(spec), f"the kernel still keeps a part of {spec.name}")


def running(spec: NodeSpec) -> bool:
    return first_process(spec) is not None and node_ready(spec)


def kubectl(spec: NodeSpec) -> Kubectl:
    return Kubectl(parts.program("kubectl", "kubernetes"), spec.kubeconfig)


def keep_logs(spec: NodeSpec, target: Path) -> None:
    """Copy the programs' logs to where they outlive the node."""
    if (spec.folder / "log").is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(spec.folder / "log", target)


def _write(plan: Plan) -> Path:
    spec = plan.spec
    spec.folder.mkdir(parents=True)
    make_disk(spec)
    make_pki(spec)
    for name, text in plan.files.items():
        _write_private(spec.folder / name, text)
    for name, identity in KUBECONFIGS.items():
        write_kubeconfig(spec, identity, spec.folder / name)
    for worker in spec.workers:
        own = spec.folder / worker.folder.name / "kubelet.conf"
        write_kubeconfig(spec, worker.label("kubelet"), own)
    for name in ("postgres-password", "postgres-start"):
        shutil.chown(spec.folder / name, "postgres")
    return _write_private(spec.folder / "plan.json", plan.for_supervisor())


def _write_private(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)
    return file


def _until(spec: NodeSpec, reached: Callable[[], bool], otherwise: str) -> None:
    try:
        _wait_for(reached, otherwise)
    except ClusterError as error:
        raise ClusterError(f"{error}\n{_last_words(spec)}", next_step=_where_logs(spec)) from None


def _wait_for(reached: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not reached():
        if time.monotonic() > deadline:
            raise ClusterError(f"{otherwise} after {WITHIN_S:g} s")
        time.sleep(0.1)


def _last_words(spec: NodeSpec) -> str:
    log = spec.folder / "log" / "supervisor.log"
    return tail(log.read_text()) if log.exists() else "it has no log"


def _where_logs(spec: NodeSpec) -> str:
    return f"read {spec.folder}/log/*.log; then python tests/cluster down"
