"""In a RUN step: byte code for every module that has none, the same bytes each time.

Containers have a read-only root, so without it each start would compile what it imports. The
byte code is never compared with its source (PEP 552, unchecked): layers do not change.
Byte code depends on the order of hashes and on what the process compiled before, so the
hash seed is fixed and the files are dealt to a fixed number of processes.
"""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
import sysconfig
import warnings
from importlib.util import cache_from_source
from pathlib import Path

SHARDS = 4  # not the number of cores: the bytes must not depend on the machine
SHARD = "shard"
TESTS = {"test", "tests"}  # nobody imports them in a container; a sixth of all
UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH


def main() -> int:
    files = missing()
    shards = [
        subprocess.Popen(
            [sys.executable, "-s", "-W", "ignore", __file__, SHARD],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            text=True,
        )
        for _ in range(SHARDS)
    ]
    for number, process in enumerate(shards):
        if process.stdin is not None:  # it never is: asked for above
            process.stdin.write("\n".join(files[number::SHARDS]))
            process.stdin.close()
    return max(process.wait() for process in shards)


def missing() -> list[str]:
    """Modules without byte code, in the order of their names; not the libraries' own tests."""
    roots = {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")}
    found = {file for root in roots for file in root.rglob("*.py")}
    wanted = (str(file) for file in found if not TESTS & set(file.parts))
    return sorted(file for file in wanted if not Path(cache_from_source(file)).exists())


def shard() -> int:
    for file in sys.stdin.read().splitlines():
        try:
            py_compile.compile(file, doraise=True, invalidation_mode=UNCHECKED)
        except (py_compile.PyCompileError, SyntaxError, UnicodeDecodeError, ValueError):
            continue  # templates and tests of the libraries that are no Python of this version
    return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(shard() if SHARD in sys.argv else main())
