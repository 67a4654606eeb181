"""Gives a node an image: the layers that it lacks, and no others.

`images.load_image` calls it. A change of one thin layer then costs a second or two, not the
copy of all that lies below it.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from testnode.commands import run, tail
from testnode.errors import ClusterError
from testnode.images.layers import PLAIN, Blob, Packed, pack
from testnode.node.netns import inside
from testnode.spec import NodeSpec, Worker

STORE = "io.containerd.content.v1.content/blobs/sha256"  # below containerd's root
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def transfer(
    spec: NodeSpec, worker: Worker, name: str, buildah: tuple[str, ...], env: Mapping[str, str]
) -> None:
    """Copy the image called `name` out of buildah's storage, which `env` tells."""
    stored = _stored(spec, worker)
    plain = {digest: Blob(digest, size, PLAIN) for digest, size in stored.items()}
    packed = pack(name, buildah, env, plain)
    missing = [file for digest, file in packed.layers.items() if digest not in stored]
    _import(import_images(spec, worker, "-"), name, packed, missing)


def import_images(spec: NodeSpec, worker: Worker, archive: str) -> list[str]:
    """The command that gives a worker the images of an archive; `-` is standard input."""
    ctr = ["ctr", f"--address={worker.containerd_socket}", "--namespace=k8s.io"]
    return inside(spec, [*ctr, "images", "import", archive])


def _stored(spec: NodeSpec, worker: Worker) -> dict[str, int]:
    """What the worker holds: size in bytes by digest."""
    shown = run(
        inside(
            spec, ["find", f"{worker.images}/{STORE}", "-type", "f", "-printf", "sha256:%f %s\\n"]
        )
    )
    lines = (line.split() for line in shown.splitlines())
    return {digest: int(size) for digest, size in lines}


def _import(command: list[str], name: str, packed: Packed, layers: list[Path]) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT) as importing:
        assert importing.stdin is not None
        assert importing.stdout is not None
        try:
            with tarfile.open(fileobj=importing.stdin, mode="w|") as archive:
                for path, content in _documents(name, packed):
                    entry = tarfile.TarInfo(path)
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
                for file in layers:
                    archive.add(file, f"blobs/sha256/{file.name}")
            importing.stdin.close()
        except BrokenPipeError:
            pass  # what it printed says why
        said = importing.stdout.read().decode(errors="replace")
    if importing.returncode != 0:
        raise ClusterError(f"the node does not take {name}:\n{tail(said)}")


def _documents(name: str, packed: Packed) -> Iterator[tuple[str, bytes]]:
    """All but the layers that an image layout (OCI) holds."""
    manifest = json.dumps(packed.manifest).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    entry = {
        "mediaType": MANIFEST_TYPE,
        "digest": f"sha256:{digest}",
        "size": len(manifest),
        # containerd keeps the whole name only where it finds it under its own key
        "annotations": {"io.containerd.image.name": name},
    }
    yield "oci-layout", b'{"imageLayoutVersion": "1.0.0"}'
    yield "index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    yield f"blobs/sha256/{digest}", manifest
    yield f"blobs/sha256/{hashlib.sha256(packed.config).hexdigest()}", packed.config
