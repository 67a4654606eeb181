"""Records a second of the prediction log beside SQLite, same records, one run.

Each append is acknowledged before the next one. `synchronous=FULL` syncs the disk for every
transaction; our log leaves the process for every append and syncs once per commit window, which
is the contract of docs/explanation/prediction-log.md: SIGKILL loses nothing, a power failure
one window. SQLite's own setting of that kind (WAL, `synchronous=NORMAL`) and appends of several
records, as the service makes under load, are measured beside it.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.place import Place
from mizzen.ports.prediction_log import Prediction
from mizzen.spec.profile import Profile
from mizzen_serving.ids import IdMaker

BATCH = 16
Figures = dict[str, Any]
Append = Callable[[Sequence[Prediction]], None]


def run(quick: bool = False) -> list[Figures]:
    """One row per log and number of records in an append."""
    seconds, rounds = (0.5, 1) if quick else (3.0, 3)
    rates: dict[tuple[str, int], list[float]] = {}
    for number in range(rounds):
        for name in list(LOGS)[:: 1 if number % 2 == 0 else -1]:
            for size in (1, BATCH):
                rates.setdefault((name, size), []).append(_rate(name, size, seconds))
    medians = {case: statistics.median(found) for case, found in rates.items()}
    return [
        {
            "log": name,
            "records_per_append": size,
            "records_per_second": round(rate),
            "ours_to_this": round(medians["mizzen segments", size] / rate, 1),
        }
        for (name, size), rate in sorted(medians.items(), key=lambda case: case[0][1])
    ]


def _rate(name: str, size: int, seconds: float) -> float:
    with tempfile.TemporaryDirectory(prefix="bench-log-", dir=Path.cwd()) as folder:
        append, close = LOGS[name](Path(folder))
        batches = [_records(size) for _ in range(200)]
        append(batches[0])
        begin = time.perf_counter()
        written = 0
        while (passed := time.perf_counter() - begin) < seconds:
            append(batches[written // size % len(batches)])
            written += size
        close()
    return written / passed


def _records(count: int) -> list[Prediction]:
    now = datetime.now(UTC)
    features = {f"n{n}": 1.5 * n for n in range(12)} | {"carrier": "UA", "origin": "JFK"}
    return [
        Prediction(made, now, "flights", 3, {"flight_id": made}, features, 0.31, now)
        for made in IdMaker().make(count)
    ]


def _segments(folder: Path) -> tuple[Append, Callable[[], None]]:
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    log = SegmentLog(Place("bench", folder, profile))
    return log.append, log.close


def _sqlite(folder: Path, journal: str, synchronous: str) -> tuple[Append, Callable[[], None]]:
    database = sqlite3.connect(folder / "log.db", isolation_level=None)
    database.execute(f"PRAGMA journal_mode={journal}")
    database.execute(f"PRAGMA synchronous={synchronous}")
    database.execute(
        "CREATE TABLE predictions (id TEXT, at TEXT, model TEXT, version INT, key TEXT,"
        " features TEXT, output REAL, logged_at TEXT)"
    )

    def append(predictions: Sequence[Prediction]) -> None:
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    p.id, p.at.isoformat(), p.model, p.version, json.dumps(p.key),
                    json.dumps(p.features), p.output, p.logged_at.isoformat(),
                )
                for p in predictions
            ],
        )  # fmt: skip
        database.execute("COMMIT")

    return append, database.close


LOGS: dict[str, Callable[[Path], tuple[Append, Callable[[], None]]]] = {
    "mizzen segments": _segments,
    "sqlite, synchronous=FULL": lambda folder: _sqlite(folder, "DELETE", "FULL"),
    "sqlite, WAL, synchronous=FULL": lambda folder: _sqlite(folder, "WAL", "FULL"),
    "sqlite, WAL, synchronous=NORMAL": lambda folder: _sqlite(folder, "WAL", "NORMAL"),
}

if __name__ == "__main__":
    for row in run("--quick" in sys.argv):
        print(json.dumps(row))
