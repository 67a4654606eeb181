"""Looks into images and runs programs in them, as a restricted pod would.

With buildah there is no container engine: a program runs in namespaces of its own, without a
network, below a root that is mounted read-only, as the user that the image names and with no
capability. With docker the same is asked of docker.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imagebuild.engines import BUILDAH, Engine

# $1 is the image, $2 its user, $3 its environment, the rest the program
# which images are tried; torch takes a quarter of an hour and 6 GB
NAMES = os.environ.get("MIZZEN_TEST_IMAGES", "core tabular serving control").split()
IN_NAMESPACES = """
container=$(buildah from --pull-never "$1")
trap 'buildah rm "$container" >/dev/null' EXIT
root=$(buildah mount "$container") user=$2 environment=$3
shift 3
unshare --mount --pid --fork --net --ipc --uts sh -euc '
  root=$1 user=$2 environment=$3
  shift 3
  mount --bind "$root" "$root"
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  mount -o remount,ro,bind "$root"
  cd "$root"
  exec chroot . setpriv --reuid="${user%%:*}" --regid="${user##*:}" --clear-groups \
    --no-new-privs --bounding-set=-all --inh-caps=-all \
    /usr/bin/env -i $environment sh -c "cd /tmp && exec \\"\\$@\\"" run "$@"
' run "$root" "$user" "$environment" "$@"
"""


@dataclass(frozen=True, slots=True)
class Container:
    """One built image."""

    engine: Engine
    name: str
    tag: str

    def config(self) -> dict[str, Any]:
        """User, Env, Entrypoint, Labels, as OCI calls them."""
        found: dict[str, Any] = self._document()["config"]
        return found

    def layers(self) -> list[str]:
        """Digests of the unpacked layers, the base's first."""
        found: list[str] = self._document()["rootfs"]["diff_ids"]
        return found

    def history(self) -> str:
        return json.dumps(self._document()["history"])

    def run(self, *program: str) -> subprocess.CompletedProcess[str]:
        """`python -m PROGRAM...`, the image's own way to start."""
        return self.execute([*self.config()["Entrypoint"], *program])

    def python(self, code: str) -> str:
        """What a program prints, given as text."""
        done = self.execute(["python", "-c", code])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def execute(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(words), capture_output=True, text=True, check=False, timeout=300
        )

    def _command(self, words: Sequence[str]) -> list[str]:
        if self.engine.name == "docker":
            confined = ["--rm", "--read-only", "--tmpfs=/tmp", "--network=none", "--cap-drop=ALL"]
            return ["docker", "run", *confined, f"--entrypoint={words[0]}", self.tag, *words[1:]]
        config = self.config()
        environment = " ".join(shlex.quote(entry) for entry in config["Env"])
        shell = ["unshare", "--mount", "sh", "-euc", IN_NAMESPACES, "run"]
        return [*shell, self.tag, config["User"], environment, *words]

    def _document(self) -> dict[str, Any]:
        if self.engine.name == "docker":
            return self._of_docker()
        shown = subprocess.run(
            [*BUILDAH, "inspect", "--type=image", self.tag], capture_output=True, check=True
        )
        found: dict[str, Any] = json.loads(shown.stdout)["OCIv1"]
        return found

    def _of_docker(self) -> dict[str, Any]:
        words = ["docker", "image", "inspect", self.tag]
        (image,) = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
        words = ["docker", "history", "--no-trunc", "--format={{json .}}", self.tag]
        history = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return {
            "config": image["Config"],
            "rootfs": {"diff_ids": image["RootFS"]["Layers"]},
            "history": history.splitlines(),
        }
