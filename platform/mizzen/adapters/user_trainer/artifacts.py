"""What a project's trainer keeps: arrays as safetensors, files as they are, nothing pickled."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.weights import weights_hash
from mizzen.errors import IntegrityError, InvalidProject

ARRAYS = "weights.safetensors"
Kept = Mapping[str, NDArray[Any] | Path]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_SUFFIXES = {".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth"}
_RESERVED = {ARRAYS, "manifest.json", "encoder.json"}


def write_kept(folder: Path, kept: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Write arrays and files; the names of the files written, and the hash of all content.

    Raises:
        InvalidProject: neither an array nor a file, or pickled content.
    """
    arrays: dict[str, NDArray[Any]] = {}
    files: list[str] = []
    content: dict[str, NDArray[Any]] = {}
    for name, value in kept.items():
        if isinstance(value, Path):
            _check_file(name, value)
            shutil.copyfile(value, folder / name)
            content[f"file:{name}"] = np.frombuffer(value.read_bytes(), dtype=np.uint8)
            files.append(name)
        else:
            arrays[name] = content[name] = _array(name, value)
    if arrays:
        from safetensors.numpy import save_file

        save_file(arrays, folder / ARRAYS)
        files.append(ARRAYS)
    return tuple(sorted(files)), weights_hash(content)


def read_kept(folder: Path, files: tuple[str, ...]) -> Kept:
    """What `write_kept` was given.

    Raises:
        IntegrityError: the arrays cannot be read.
    """
    kept: dict[str, NDArray[Any] | Path] = {n: folder / n for n in files if n != ARRAYS}
    if ARRAYS in files:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            kept.update(load_file(folder / ARRAYS))
        except (SafetensorError, OSError) as error:
            raise IntegrityError(f"{folder / ARRAYS} holds no arrays", given=error) from None
    return kept


def _array(name: str, value: Any) -> NDArray[Any]:
    array = np.ascontiguousarray(value)
    if array.dtype.kind not in "biuf":
        raise InvalidProject(
            f"the trainer's {name!r} is neither an array of numbers nor a path",
            given=f"{type(value).__name__} ({array.dtype})",
            allowed="numpy arrays of numbers, and pathlib.Path of files that the trainer wrote",
        )
    return array


def _check_file(name: str, path: Path) -> None:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise InvalidProject(f"a kept file cannot be called {name!r}", allowed="as in `trees.json`")
    if not path.is_file():
        raise InvalidProject(f"the trainer's file {name!r} does not exist", given=path)
    if {Path(name).suffix.lower(), path.suffix.lower()} & _SUFFIXES or _is_pickled(path):
        raise InvalidProject(
            f"the trainer's file {name!r} holds pickled content, which runs code when it is read",
            given=path.name,
            allowed="arrays, or the library's own text, JSON, safetensors or ONNX format",
            next_step="return the arrays themselves, or save the model in such a format",
        )


def _is_pickled(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(256)
    if head[:1] == b"\x80" and head[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return True
    if head.startswith(b"\x93NUMPY"):
        return b"'|O'" in head
    if zipfile.is_zipfile(path):  # torch.save, numpy's .npz
        with zipfile.ZipFile(path) as archive:
            return any(Path(name).suffix in _SUFFIXES for name in archive.namelist())
    return False
