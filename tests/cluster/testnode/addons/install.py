"""Puts an add-on on a cluster, by Helm or by kubectl's own kustomize; `providers.add` calls it."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

from testnode.addons.addon import Addon, Chart, Kustomization
from testnode.building import parts
from testnode.commands import run
from testnode.kubectl import Kubectl
from testnode.workloads import named

WAIT_S = 180


def install(addon: Addon, kubectl: Kubectl) -> None:
    """Install it unless it is there, and wait until it is ready. Its images must be loaded."""
    kubectl.apply([named("v1", "Namespace", addon.namespace)])
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if isinstance(addon.source, Chart):
            _by_helm(addon, addon.source, kubectl, scratch)
        else:
            _by_kustomize(addon, addon.source, kubectl, scratch)
    if addon.objects:
        kubectl.apply(addon.objects)


def _by_helm(addon: Addon, source: Chart, kubectl: Kubectl, scratch: Path) -> None:
    access = [f"--kubeconfig={kubectl.kubeconfig}", f"--namespace={addon.namespace}"]
    if kubectl.context:
        access.append(f"--kube-context={kubectl.context}")
    helm = [str(parts.program("helm")), *access]
    # some charts hold what their programs write (certificates), so a second time is a conflict
    if json.loads(run([*helm, "list", "--deployed", f"--filter=^{addon.name}$", "--output=json"])):
        return
    chart = _copied(source, scratch)
    _fill_template(source, chart)
    if source.drop_dependencies:
        _drop_dependencies(chart / "Chart.yaml")
    words = ["upgrade", "--install", addon.name, str(chart), "--values=-", "--wait"]
    run(
        [*helm, *words, f"--timeout={WAIT_S}s"],
        stdin=json.dumps(source.values),
        timeout_s=WAIT_S + 30,
    )


def _by_kustomize(addon: Addon, source: Kustomization, kubectl: Kubectl, scratch: Path) -> None:
    _copied(source, scratch)
    (scratch / "kustomization.yaml").write_text(json.dumps(source.overlay))
    kubectl.run("apply", "--server-side", "--force-conflicts", "--kustomize", scratch)
    if source.waits_for:
        available = f"deployment/{source.waits_for}"
        kubectl.wait("condition=Available", available, "--namespace", addon.namespace)


def _copied(source: Chart | Kustomization, scratch: Path) -> Path:
    """A copy to change: what lies in the cache serves the next installation too."""
    kept = parts.folder(source.part) / "charts" / source.folder
    for place in shutil.copytree(kept, scratch / source.folder).rglob("*"):
        place.chmod(0o755 if place.is_dir() else 0o644)  # Go's module cache is read-only
    return scratch / source.folder


def _fill_template(source: Chart, chart: Path) -> None:
    template = chart / "values.tmpl.yaml"
    if template.exists():
        text = template.read_text()
        for placeholder, value in source.placeholders.items():
            text = text.replace(placeholder, value)
        (chart / "values.yaml").write_text(text)


def _drop_dependencies(chart_file: Path) -> None:
    """Helm refuses a chart whose dependencies are not beside it, even switched-off ones."""
    block = re.compile(r"^dependencies:\n(?:[- ].*\n)+", re.MULTILINE)
    chart_file.write_text(block.sub("", chart_file.read_text()))
