"""Which commit a project stands at. No git, or no repository, is fine and says nothing."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Revision:
    """`commit` is empty where there is none; `dirty`: files of the project differ from it."""

    commit: str = ""
    dirty: bool = False


def revision_of(folder: Path) -> Revision:
    """The commit of the repository around `folder`, and whether the folder differs from it."""
    command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "--", "."]
    # a read must not take the index lock from somebody who commits meanwhile
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return Revision()
    if done.returncode != 0:
        return Revision()
    lines = done.stdout.splitlines()
    oid = next((line.split()[2] for line in lines if line.startswith("# branch.oid ")), "")
    changes = any(not line.startswith("#") for line in lines)
    return Revision() if oid == "(initial)" else Revision(oid, changes)
