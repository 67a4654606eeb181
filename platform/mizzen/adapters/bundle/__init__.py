"""The project's Python files as one content-hashed archive, and how code is loaded from it.

Control packs a project when it submits a run; steps, services and Bentos open the bundle by
its digest. A change of any file, a helper module included, is another digest.
"""

from mizzen.adapters.bundle.archive import (
    check_members,
    digest_of,
    keep,
    open_code,
    pack,
    store_of,
    unpack,
    unpack_file,
)
from mizzen.adapters.bundle.closure import code_of
from mizzen.adapters.bundle.modules import load_function, read_from_bundle

__all__ = [
    "check_members",
    "code_of",
    "digest_of",
    "keep",
    "load_function",
    "open_code",
    "pack",
    "read_from_bundle",
    "store_of",
    "unpack",
    "unpack_file",
]
