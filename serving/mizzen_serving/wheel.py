"""The installed Mizzen as a wheel, so that a Bento carries the code that packed it.

A wheel is an archive with a list of its files; writing it needs neither a build tool nor the
source tree, so it works from an editable and from an ordinary installation.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

PACKAGES = (
    "mizzen",
    "mizzen_pipelines",
    "mizzen_components",
    "mizzen_serving",
    "mizzen_monitoring",
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal code gives equal bytes


def write_wheel(folder: Path) -> Path:
    """Write the wheel into `folder`; returns its path."""
    installed = distribution("mizzen")
    name = f"mizzen-{installed.version}"
    target = folder / f"{name}-py3-none-any.whl"
    records: list[str] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in [*_code(), *_metadata(installed, f"{name}.dist-info")]:
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            records.append(f"{path},sha256={digest.decode()},{len(content)}")
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), content, zipfile.ZIP_DEFLATED)
        own = f"{name}.dist-info/RECORD"
        archive.writestr(zipfile.ZipInfo(own, _EPOCH), "\n".join([*records, f"{own},,", ""]))
    return target


def _code() -> Iterator[tuple[str, bytes]]:
    for package in PACKAGES:
        root = Path(str(importlib.import_module(package).__file__)).parent
        for file in sorted(root.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield f"{package}/{file.relative_to(root).as_posix()}", file.read_bytes()


def _metadata(installed: Distribution, folder: str) -> Iterator[tuple[str, bytes]]:
    wheel = "Wheel-Version: 1.0\nGenerator: mizzen\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    yield f"{folder}/METADATA", str(installed.read_text("METADATA")).encode()
    yield f"{folder}/WHEEL", wheel.encode()
    yield f"{folder}/entry_points.txt", str(installed.read_text("entry_points.txt")).encode()
