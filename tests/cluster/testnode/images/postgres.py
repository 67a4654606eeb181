"""An image of the machine's PostgreSQL, for the StatefulSet of the platform's chart. `build` makes
it; in a real cluster the image is whatever the values name.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from testnode import places
from testnode.commands import run
from testnode.images.base import BASE
from testnode.images.store import build_image
from testnode.node.services import POSTGRES_PROGRAMS

POSTGRES = "mizzen.test/postgres:15"
USER_ID = 65532
HERE = POSTGRES_PROGRAMS.parent  # /usr/lib/postgresql/<version>
SHARED = Path("/usr/share/postgresql") / HERE.name
COMPILER = "llvmjit*"  # brings a compiler of 100 MB that no test needs
IN_BASE = re.compile(r"ld-linux|/lib(c|m|dl|pthread|rt)\.so")


def build_postgres_image() -> None:
    with tempfile.TemporaryDirectory(dir=places.image_storage()) as folder:
        context = Path(folder)
        _gather(context / "root")
        shutil.copy(places.IMAGES / "postgres-entry.sh", context)
        build_image(POSTGRES, places.IMAGES / "postgres.Dockerfile", context, base=BASE)


def _gather(root: Path) -> None:
    """Programs find their shared files by the version's path, people by one without it."""
    leave_out = shutil.ignore_patterns(COMPILER, "bitcode", "pgxs")
    for folder in (HERE, SHARED):
        shutil.copytree(folder, root / folder.relative_to("/"), ignore=leave_out)
    (root / "usr/lib/postgresql/bin").symlink_to(POSTGRES_PROGRAMS)
    for library in set(_libraries(root / HERE.relative_to("/"))):
        # /lib leads to /usr/lib, in the base too
        target = root / library.parent.resolve().relative_to("/") / library.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)


def _libraries(programs: Path) -> Iterator[Path]:
    """What they are linked to, beside the C library, which the base has."""
    files = [f for f in (*programs.glob("bin/*"), *programs.glob("lib/*.so")) if f.is_file()]
    for found in re.findall(r"=> (/\S+)", run(["ldd", *files])):
        if not IN_BASE.search(found):
            yield Path(found)
