"""One hash for equal weights, whatever file, library version or machine holds them.

Frameworks call it after a fit; killed-and-resumed and undisturbed runs are compared by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def weights_hash(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over names (sorted), types, shapes and bytes; independent of memory layout and
    byte order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def text_hash(text: str) -> str:
    """SHA-256 of a canonical text form of weights."""
    return hashlib.sha256(text.encode()).hexdigest()
