"""A library that no index has: a wheel of one module, written by the test."""

from __future__ import annotations

import zipfile
from pathlib import Path

MODULE = '__version__ = "{version}"\n\n\ndef times(value):\n    return value * {factor}\n'


def write_wheel(folder: Path, version: str = "2.1.0", factor: int = 3) -> Path:
    """`tinyboost`, whose `times` multiplies by the factor."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"tinyboost-{version}.dist-info"
    files = {
        "tinyboost.py": MODULE.format(version=version, factor=factor),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tinyboost\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    names = [*files, f"{info}/RECORD"]
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in names)
    target = folder / f"tinyboost-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target


def unpack(wheel: Path, into: Path) -> Path:
    """As an installer would: a folder for `sys.path`."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into)
    return into
