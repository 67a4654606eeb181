"""The plan of a node and the pins of its parts, without starting anything."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from testnode import places
from testnode.building import parts
from testnode.building.parts import GoPart
from testnode.errors import ClusterError
from testnode.node import cgroups
from testnode.node.plan import Plan, plan_of
from testnode.node.services import Credentials
from testnode.spec import NodeSpec

SECRETS = Credentials(postgres_password="password-of-postgres", s3_secret="secret-of-s3")


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("MIZZEN_CACHE", str(tmp_path))
    for part in parts.PARTS:
        places.part_folder(part.name, part.version).mkdir(parents=True)
    return plan_of(NodeSpec(3), SECRETS)


def test_no_command_line_carries_a_secret(plan: Plan) -> None:
    """Command lines are for everybody to read in the process list."""
    words = " ".join(word for process in plan.processes for word in process.argv)
    assert SECRETS.postgres_password not in words
    assert SECRETS.s3_secret not in words


def test_two_instances_share_no_name_on_the_machine() -> None:
    one, other = NodeSpec(0), NodeSpec(1)
    names = ("name", "address", "host_address", "host_link", "folder")
    assert all(getattr(one, name) != getattr(other, name) for name in names)


def test_the_supervisor_gets_every_process_by_a_name_of_its_own(plan: Plan) -> None:
    handed = json.loads(plan.for_supervisor())["processes"]
    assert len({process["name"] for process in handed}) == len(plan.processes)


def test_an_unbuilt_part_says_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZZEN_CACHE", str(tmp_path))
    with pytest.raises(ClusterError, match="tests/cluster build"):
        parts.program("kubectl", "kubernetes")


def test_an_unknown_part_lists_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="allowed: kubernetes, etcd"):
        parts.part("docker")


MODULES = [part for part in parts.PARTS if isinstance(part, GoPart) and part.module]


@pytest.mark.parametrize("part", MODULES, ids=lambda part: part.name)
def test_a_module_requires_the_version_of_its_part(part: GoPart) -> None:
    required = (places.PARTS / part.module / "go.mod").read_text()
    for package in part.programs.values():
        if package != ".":  # a program of our own has no version elsewhere
            module = "/".join(package.split("/")[:2])
            assert re.search(rf"\s{module}\S* v{part.version}\s", required)


def test_processes_are_counted_though_a_pod_ends_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    pods = tmp_path / cgroups.COUNTED / "node" / "pods"
    for number, name in enumerate(("ended", "lives"), 1):
        (pods / name).mkdir(parents=True)
        (pods / name / "cgroup.procs").write_text(f"{number}\n")
    look = os.scandir

    def after_the_end(folder: str | Path) -> Any:
        if Path(folder).name == "ended":
            (Path(folder) / "cgroup.procs").unlink()
            Path(folder).rmdir()
        return look(folder)

    monkeypatch.setattr(os, "scandir", after_the_end)
    assert cgroups.members("node") == [2]
