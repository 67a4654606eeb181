"""Which cluster CLUSTER=<name> gets; none is started here, so these run anywhere."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from testnode import places
from testnode.errors import ClusterError
from testnode.providers.choice import choose

STUB = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$*" in
    "get clusters") cat "$CLUSTERS" 2>/dev/null ;;
    "create cluster"*) echo mizzen-test > "$CLUSTERS" ;;
    "config current-context") echo someones-cluster ;;
esac
true
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for docker, kind and kubectl that note how they were called."""
    for name in ("docker", "kind", "kubectl"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("CLUSTERS", str(tmp_path / "clusters"))
    monkeypatch.setenv("MIZZEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "calls"


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="allowed: node, kind, current"):
        choose("minikube")


def test_an_instance_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER_INSTANCE", "10")
    with pytest.raises(ClusterError, match="0 to 9"):
        choose("node")


def test_kind_without_its_programs_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ClusterError, match="needs docker, kind, kubectl"):
        choose("kind").require()


def test_kind_makes_a_cluster_once_and_loads_images_into_it(calls: Path) -> None:
    cluster = choose("kind")
    cluster.up()
    cluster.up()
    cluster.load_image("mizzen.test/x:1")
    cluster.down()
    made = [line for line in calls.read_text().splitlines() if "get clusters" not in line]
    assert [line.split(" --wait")[0] for line in made] == [
        "kind create cluster --name=mizzen-test",
        "kind load docker-image mizzen.test/x:1 --name=mizzen-test",
        "kind delete cluster --name=mizzen-test",
    ]


@pytest.mark.usefixtures("calls")
def test_the_current_context_is_refused_without_a_terminal() -> None:
    with pytest.raises(ClusterError, match=r"someones-cluster[\s\S]*terminal"):
        choose("current").up()


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("answer", ["", "n", "no", "maybe"])
def test_the_current_context_is_left_alone_unless_the_answer_is_yes(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    with pytest.raises(ClusterError, match="not using the context someones-cluster"):
        choose("current").up()


@pytest.mark.usefixtures("calls")
def test_the_current_context_is_used_after_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert choose("current").up() == "using the context someones-cluster"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("strict", "outcome"), [("", "skipped"), ("1", "error")])
def test_without_the_built_parts_tests_skip_and_in_ci_fail(
    strict: str, outcome: str, tmp_path: Path
) -> None:
    nothing_built = {"MIZZEN_CACHE": str(tmp_path), "MIZZEN_CI_STRICT": strict, "CLUSTER": "node"}
    asked = f"{places.HERE}/test_workloads.py::test_the_node_is_ready"
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", asked]
    done = subprocess.run(
        pytest_, env={**os.environ, **nothing_built}, capture_output=True, text=True, check=False
    )
    assert f"1 {outcome}" in done.stdout
    assert "python tests/cluster build" in done.stdout or os.geteuid() != 0
