"""What a good client of `/predict` notices of a bad one beside it, and what memory that costs.

One service, one good client with one connection, and one kind of bad client at a time, from another
address of this machine; all share its processors. Each row has the good client's latency and the
memory of the service when the bad client has gone. The first row is the good client alone, the
last one 200,000 requests of good clients.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.predict import CONNECTIONS, HERE, Figures, free_port, load, prepare, running
from benchmarks.predict import mizzen_words as words
from benchmarks.predict_peers.attack import KINDS

REQUESTS = 200_000


def run(quick: bool = False) -> list[Figures]:
    """One row per bad client."""
    seconds, requests = (1.0, 2_000) if quick else (10.0, REQUESTS)
    with tempfile.TemporaryDirectory(prefix="bench-attackers-") as folder:
        scratch = Path(folder)
        environment = prepare(scratch)
        port = free_port()
        command = [sys.executable, "-m", *words(scratch, port)]
        ready = f"http://127.0.0.1:{port}/readyz"
        with running(command, environment, ready, scratch / "service.log") as service:
            body = scratch / "row.json"
            load(port, seconds, body, environment, connections=1)  # warm
            alone = load(port, seconds, body, environment, connections=1)
            rows = [_row("nobody", alone, alone, service)]
            for kind in KINDS:
                beside = _beside(kind, port, seconds, body, environment)
                rows.append(_row(kind, beside, alone, service))
            done = 0.0
            while done < requests:
                many = load(port, seconds, body, environment, connections=CONNECTIONS)
                done += many["requests"]
            rows.append(
                _row(f"{done:,.0f} requests of {CONNECTIONS} clients", many, alone, service)
            )
    return rows


def _beside(
    kind: str, port: int, seconds: float, body: Path, environment: dict[str, str]
) -> Figures:
    attacker = subprocess.Popen(
        [sys.executable, str(HERE / "attack.py"), kind, str(port), str(seconds * 1.5)]
    )
    try:
        time.sleep(min(1.0, seconds / 4))
        return load(port, seconds, body, environment, connections=1)
    finally:
        attacker.kill()
        attacker.wait()
        time.sleep(1.0)  # the service sees that its connections are gone


def _row(beside: str, figures: Figures, alone: Figures, service: int) -> Figures:
    names = ("per_second", "p50_ms", "p99_ms", "failed")
    return {
        "beside": beside,
        **{name: figures[name] for name in names},
        "p99_to_alone": round(figures["p99_ms"] / alone["p99_ms"], 2),
        "memory_mb": round(_memory(service) / 1e6, 1),
    }


def _memory(session: int) -> int:
    """Resident bytes of all processes of a session."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            pages = int((folder / "statm").read_text().split()[1])
        except OSError:  # it has ended
            continue
        if int(fields[3]) == session:
            found += pages * os.sysconf("SC_PAGE_SIZE")
    return found


if __name__ == "__main__":
    for row in run("--quick" in sys.argv):
        print(json.dumps(row))
