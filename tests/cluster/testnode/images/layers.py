"""Layers of images as containerd takes them, each compressed once and kept.

`transfer` asks for an image and gets its manifest, with every layer in the store or already on
the node. buildah is told to write the image as an OCI layout. Where a layer is there already, the
layout holds an empty file of its name, and buildah passes over it; its entry in the manifest is
then put right.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testnode import places
from testnode.commands import run

PLAIN = "application/vnd.oci.image.layer.v1.tar"
# three times smaller and no slower: less is written to a disk that the whole machine waits for
PUSH = ("push", "--format=oci", "--compression-format=zstd", "--compression-level=1")

UNUSED_S = 24 * 3600.0  # a layer that no image had for a day has been replaced


@dataclass(frozen=True, slots=True)
class Blob:
    """One layer as it is stored; its fields are those of a manifest."""

    digest: str
    size: int
    mediaType: str  # noqa: N815


@dataclass(frozen=True, slots=True)
class Packed:
    """An image to be moved: its manifest, its configuration, where its layers lie."""

    manifest: dict[str, Any]
    config: bytes
    layers: Mapping[str, Path]  # by digest; without those that the node holds


def pack(
    name: str, buildah: tuple[str, ...], env: Mapping[str, str], there: dict[str, Blob]
) -> Packed:
    """The image called `name`, for a node that holds the layers `there` (by the digest of
    their unpacked content)."""
    with _store() as store, tempfile.TemporaryDirectory(dir=store) as made:
        layout = Path(made)
        known = {**_index(store), **there}
        blobs = layout / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        for unpacked in known:
            (blobs / _hex(unpacked)).touch()
        target = f"oci:{layout}:{name}"
        run([*buildah, *PUSH, name, target], env=env, next_step=f"build {name} first")
        manifest = json.loads(_only(layout, blobs))
        config = (blobs / _hex(manifest["config"]["digest"])).read_bytes()
        contents = json.loads(config)["rootfs"]["diff_ids"]
        layers = [
            known[content] if content in known else _keep(store, content, entry, blobs)
            for content, entry in zip(contents, manifest["layers"], strict=True)
        ]
        manifest["layers"] = [asdict(layer) for layer in layers]
        _drop_unused(store, contents)
        ours = {layer.digest: store / _hex(layer.digest) for layer in layers}
        return Packed(manifest, config, {d: file for d, file in ours.items() if file.exists()})


@contextmanager
def _store() -> Iterator[Path]:
    """The folder of layers, for one process at a time."""
    folder = places.image_storage() / "layers"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _index(store: Path) -> dict[str, Blob]:
    """What the store holds, by the digest of the unpacked content."""
    found: dict[str, Blob] = {}
    for file in store.glob("*.json"):
        blob = Blob(**json.loads(file.read_text()))
        if (store / _hex(blob.digest)).exists():
            found[f"sha256:{file.stem}"] = blob
    return found


def _keep(store: Path, content: str, entry: Mapping[str, Any], blobs: Path) -> Blob:
    blob = Blob(entry["digest"], entry["size"], entry["mediaType"])
    (blobs / _hex(blob.digest)).rename(store / _hex(blob.digest))
    (store / f"{_hex(content)}.json").write_text(json.dumps(asdict(blob)))
    return blob


def _only(layout: Path, blobs: Path) -> bytes:
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    return (blobs / _hex(entry["digest"])).read_bytes()


def _drop_unused(store: Path, used: list[str]) -> None:
    for content in used:
        with suppress(FileNotFoundError):  # the node has it from elsewhere
            os.utime(store / f"{_hex(content)}.json")
    for file in store.glob("*.json"):
        if file.stat().st_mtime < time.time() - UNUSED_S:
            blob = Blob(**json.loads(file.read_text()))
            (store / _hex(blob.digest)).unlink(missing_ok=True)
            file.unlink()


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
