"""The project's Python files as one content-hashed archive, and how code is loaded from it.

Control packs a project when it submits a run; steps, services and Bentos open the bundle by
its digest. A change of any file, a helper module included, is another digest; so is another value
of an environment variable that the project declares.
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
from mizzen.adapters.bundle.environment import check_secrets, declared, own_process
from mizzen.adapters.bundle.modules import forget, load_function, read_from_bundle
from mizzen.adapters.bundle.seeds import seeded

__all__ = [
    "check_members",
    "check_secrets",
    "code_of",
    "declared",
    "digest_of",
    "forget",
    "keep",
    "load_function",
    "open_code",
    "own_process",
    "pack",
    "read_from_bundle",
    "seeded",
    "store_of",
    "unpack",
    "unpack_file",
]
