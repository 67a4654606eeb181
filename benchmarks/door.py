"""`/predict` at 16 connections: what the limits on clients and the door cost.

Our service on uvicorn's own protocol, with its limits (as it runs for users), and with a door
as well: a token for each request and a rate that is never reached. Same package and values as
`predict`, services one at a time in alternating order. The table shows each one's median round.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.predict import (
    HERE,
    Figures,
    free_port,
    load,
    median_of,
    mizzen_words,
    prepare,
    running,
)

TOKEN = "a-token-of-the-benchmark"  # noqa: S105
MODES = ("no limits", "limits", "limits and door")


def run(quick: bool = False) -> list[Figures]:
    """One row per mode; ratios are of it to the first."""
    seconds, rounds = (2.0, 1) if quick else (8.0, 5)
    with tempfile.TemporaryDirectory(prefix="bench-door-") as folder:
        scratch = Path(folder)
        environment = {**prepare(scratch), "BENCH_TOKEN": TOKEN}
        (scratch / "callers.txt").write_text(f"load {TOKEN} predict\n")
        found: dict[str, list[Figures]] = {mode: [] for mode in MODES}
        for number in range(rounds):
            for mode in MODES[:: 1 if number % 2 == 0 else -1]:
                found[mode].append(_measure(mode, scratch, environment, seconds))
    return _compare({mode: median_of(figures) for mode, figures in found.items()})


def _measure(mode: str, scratch: Path, environment: dict[str, str], seconds: float) -> Figures:
    port = free_port()
    words = ["-m", *mizzen_words(scratch, port)]
    if mode == "no limits":
        words = [str(HERE / "without_limits.py"), *words[2:]]
    if mode == "limits and door":
        words += ["--tokens", str(scratch / "callers.txt"), "--rate", "1000000"]
    ready = f"http://127.0.0.1:{port}/readyz"
    log = scratch / "service.log"
    with running([sys.executable, *words], environment, ready, log):
        return load(port, seconds, scratch / "row.json", environment)


def _compare(found: dict[str, Figures]) -> list[Figures]:
    first = found[MODES[0]]
    return [
        {
            "service": mode,
            **figures,
            "throughput": round(figures["per_second"] / first["per_second"], 3),
            "p99": round(figures["p99_ms"] / first["p99_ms"], 3),
        }
        for mode, figures in found.items()
    ]


if __name__ == "__main__":
    for row in run("--quick" in sys.argv):
        print(json.dumps(row))
