"""Images without a registry and without Docker: made by buildah, given to containerd.

base_image.py makes the one image that others start from: a Debian root with this machine's
CPython. `build_image` builds an ordinary Dockerfile on any base, `load_image` hands the result
to a node. Names end in `mizzen.test`, which no registry answers to.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from testnode import places
from testnode.commands import run
from testnode.errors import ClusterError
from testnode.images.transfer import import_images, transfer
from testnode.spec import NodeSpec

PAUSE = "mizzen.test/pause:1"
CERTIFICATES = Path("/etc/ssl/certs")
# in a mount namespace of its own: buildah leaves mounts of its storage behind
BUILDAH = ("unshare", "--mount", "buildah")


def storage_env() -> dict[str, str]:
    """buildah's storage in our own cache: nothing of it lands in the user's."""
    folder = places.image_storage()
    folder.mkdir(parents=True, exist_ok=True)
    conf = folder / "storage.conf"
    if not conf.exists():
        conf.write_text(
            "[storage]\n"
            'driver = "overlay"\n'
            f'graphroot = "{folder / "storage"}"\n'
            f'runroot = "{folder / "run"}"\n'
        )
    return {"CONTAINERS_STORAGE_CONF": str(conf)}


@contextmanager
def storage_in_use() -> Iterator[None]:
    """While images are built: nobody throws away the steps that they are built from."""
    with _lock().open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def drop_replaced() -> None:
    """Throw away what newer builds have replaced, unless somebody builds at this moment."""
    with _lock().open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with suppress(ClusterError):  # what a container still holds goes the next time
            run([*BUILDAH, "rmi", "--prune"], env=storage_env())


def _lock() -> Path:
    places.image_storage().mkdir(parents=True, exist_ok=True)
    return places.image_storage() / ".lock"


def build_image(
    name: str,
    dockerfile: Path,
    context: Path,
    *,
    base: str = "scratch",
    arguments: Mapping[str, str] | None = None,
) -> None:
    """Build a Dockerfile; its `ARG BASE_IMAGE` is `base`, already built here or `scratch`."""
    given = {"BASE_IMAGE": base, **(arguments or {})}
    words = [f"--build-arg={key}={value}" for key, value in given.items()]
    how = ["--isolation=chroot", "--network=host", "--pull-never", "--layers", "--format=oci"]
    what = [*words, *_trust(), f"--tag={name}", f"--file={dockerfile}", str(context)]
    with storage_in_use():
        run([*BUILDAH, "bud", *how, *what], env=storage_env(), polite=True)
    forget_archive(name)


def _trust() -> list[str]:
    """The machine's certificate authorities, during the build only: `RUN pip install` reaches
    the index of a network that has an authority of its own, and the image does not carry it.
    """
    bundle = CERTIFICATES / "ca-certificates.crt"
    if not bundle.exists():
        return []
    settings = places.image_storage() / "pip.conf"
    settings.write_text(f"[global]\ncert = {bundle}\n")
    mounted = {CERTIFICATES: CERTIFICATES, settings: Path("/etc/pip.conf")}
    return [f"--volume={source}:{target}:ro" for source, target in mounted.items()]


def load_image(spec: NodeSpec, name: str) -> None:
    """Give a built image to the node, which then never pulls it (IfNotPresent).

    From its archive when there is one; else only the layers that the node lacks.
    """
    for worker in spec.workers:
        if is_exported(name):
            run(import_images(spec, worker, str(_archive(name))))
        else:
            transfer(spec, worker, name, BUILDAH, storage_env())


def forget_archive(name: str) -> None:
    """After the image was built anew by other means than `build_image`."""
    _archive(name).unlink(missing_ok=True)


def export_image(name: str) -> Path:
    """The image as an archive in the cache; `kind load image-archive` takes the same."""
    archive = _archive(name)
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        target = f"docker-archive:{partial}:{name}"  # an oci-archive is always compressed: slower
        run([*BUILDAH, "push", name, target], env=storage_env(), next_step=f"build {name} first")
        partial.rename(archive)
    return archive


def is_exported(name: str) -> bool:
    """Whether a node can be given the image without building anything."""
    return _archive(name).exists()


def _archive(name: str) -> Path:
    return places.image_storage() / "archives" / f"{name.replace('/', '_').replace(':', '_')}.tar"
