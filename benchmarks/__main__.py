"""`make bench`: every comparison in one run, printed and written to docs/benchmarks.md.

Each comparison runs in a process of its own, one after another: they measure time, and their
libraries must not share an interpreter.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
# module -> what its table answers
TABLES = {
    "start": "What a user waits for first: at most 0.3 s",
    "steps": "Overhead of a step, slope of a 5- and a 25-step chain: at most 25 ms",
    "history": "10,000 finished runs: a controller's round, `runs list`, a decision: at most 50 ms",
    "rerun": "Unchanged re-run of a pipeline: at most half of `dvc repro`",
    "epoch": "One epoch, 800,000 x 20, MLP 20-128-128-1: at least 8 times torch's DataLoader",
    "join": "Point-in-time join, 100,000 rows on 1,000,000: all kept, twice as fast",
    "log": "Prediction log, records a second: at least 10 times SQLite with synchronous=FULL",
    "predict": "`/predict` at 16 connections: 2.5 times a stock service, a quarter of its p99",
    "door": "`/predict` with limits on clients and a door: at no measurable cost",
    "attackers": "A good client of `/predict` beside a bad one: p99 at most 3 times that alone",
}
LIBRARIES = ("torch", "kfp", "dvc", "feast", "bentoml", "fastapi")


def measure(name: str, quick: bool) -> list[dict[str, Any]]:
    """The rows of one comparison, from a process of its own."""
    code = (
        f"import json, sys; from benchmarks.{name} import run; "
        f"rows = run({quick}); print('\\n' + json.dumps(rows))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table, with the columns in the order in which they first appear."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(column, "")) for column in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """What the figures were measured on."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {libraries}; {time.strftime('%Y-%m-%d')}."
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run the named comparisons, or all of them and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*TABLES, []], help="all when absent")
    parser.add_argument("--quick", action="store_true", help="smaller, for a look; writes no page")
    arguments = parser.parse_args()
    parts = []
    for name in arguments.names or TABLES:
        part = f"## {TABLES[name]}\n\n{importlib.import_module(f'benchmarks.{name}').__doc__}\n"
        part += "\n" + table(measure(name, arguments.quick)) + "\n"
        print(part, flush=True)
        parts.append(part)
    if not arguments.names and not arguments.quick:
        head = (
            "# Benchmarks\n\nOurs beside the peers, same work, one run: `make bench`. "
            "What a cluster does: [figures on Kubernetes](benchmarks-kubernetes.md).\n"
        )
        head += f"{machine()}\n\n"
        PAGE.write_text(head + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
