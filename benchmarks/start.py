"""What a user waits for before anything happens: `import mizzen` and `mizzen --help`.

Whole processes, cold start to exit, beside a Python that does nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TARGET = 0.3  # seconds
COMMANDS = {
    "python, nothing": ["-c", "pass"],
    "import mizzen": ["-c", "import mizzen"],
    "mizzen --help": [str(Path(sys.executable).with_name("mizzen")), "--help"],
}


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Median seconds of whole processes."""
    rounds = 3 if quick else 11
    return [
        {"what": what, "seconds": round(_median(arguments, rounds), 3), "target": TARGET}
        for what, arguments in COMMANDS.items()
    ]


def _median(arguments: list[str], rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:])  # the first one reads from disk
