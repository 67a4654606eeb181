"""In a RUN step: takes away what could install more, unless the image's list asks for it.

A container whose root is read-only has no use for pip; an intruder has.
"""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

INSTALLERS = ("pip", "setuptools", "wheel")


def main(requirements: Path) -> None:
    text = requirements.read_text(encoding="utf-8")
    wanted = set(re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE))
    for name in INSTALLERS:
        if name not in wanted:
            _remove(name)
    shutil.rmtree(Path(sysconfig.get_path("stdlib")) / "ensurepip", ignore_errors=True)


def _remove(installer: str) -> None:
    try:
        installed = distribution(installer)
    except PackageNotFoundError:
        return
    site = Path(str(installed.locate_file("")))
    for name in {file.parts[0] for file in installed.files or ()} - {".."}:
        _delete(site / name)
    for script in Path(sys.executable).parent.glob(f"{installer}*"):
        script.unlink()


def _delete(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
