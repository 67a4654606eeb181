"""A replayed window: everything sent is logged and labelled once, also after a kill."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.true_labels import TrueLabel
from mizzen_serving.client import Client
from mizzen_serving.replay import replay
from mizzen_serving.traffic import Piece, Window

WINDOW = Window(datetime(2013, 7, 1, tzinfo=UTC), datetime(2013, 7, 4, tzinfo=UTC))
ROWS = 600


class Killed(Exception):
    """Stands for the end of the replaying process."""


@pytest.fixture
def rows() -> pd.DataFrame:
    noise = np.random.default_rng(3)
    times = pd.Timestamp("2013-07-01", tz="UTC") + pd.to_timedelta(
        noise.integers(0, 3 * 24 * 3600, ROWS), unit="s"
    )
    late = pd.array(noise.integers(0, 2, ROWS), dtype="Int64")
    late[::10] = None
    return pd.DataFrame(
        {
            "flight": range(ROWS),
            "at": times,
            "distance": noise.normal(10, 4, ROWS),
            "carrier": noise.choice(["AA", "DL"], ROWS),
            "late": late,
        }
    )


def test_a_killed_replay_goes_on_and_counts_nothing_twice(launch, tiny, place, rows) -> None:
    project = tiny(label={"column": "late", "delay": "5h"})
    service = launch()
    service.wait_ready()
    log = SegmentLog(place)
    seen = 0

    def kill_in_the_middle(piece: Piece) -> None:
        nonlocal seen
        seen += len(piece.requests)
        if seen > ROWS / 2:
            raise Killed

    with Client(f"http://127.0.0.1:{service.port}") as client:
        with pytest.raises(Killed):
            replay(project, rows, {}, WINDOW, client=client, log=log, observe=kill_in_the_middle)
        assert log.counts().predictions == seen
        done = replay(project, rows, {}, WINDOW, client=client, log=log)
        again = replay(project, rows, {}, WINDOW, client=client, log=log)
    assert (done.rows, done.sent, done.logged) == (ROWS, ROWS - seen, ROWS)
    assert (done.labelled, done.unlabelled) == (ROWS - 60, 60)
    assert (again.sent, again.logged, again.labelled) == (0, ROWS, ROWS - 60)
    assert (log.counts().predictions, log.counts().labels) == (ROWS, ROWS - 60)
    assert (again.corrected, again.outdated) == (0, 0)


def test_a_replay_carries_labels_that_were_corrected_in_the_source(
    launch, tiny, place, rows
) -> None:
    project = tiny(label={"column": "late", "delay": "5h"})
    service = launch()
    service.wait_ready()
    log = SegmentLog(place)
    labelled = rows[rows["late"].notna()].head(33).reset_index(drop=True)
    with Client(f"http://127.0.0.1:{service.port}") as client:
        replay(project, labelled, {}, WINDOW, client=client, log=log)
        before = log.labels()
        corrected = labelled.assign(late=1 - labelled["late"])
        done = replay(project, corrected, {}, WINDOW, client=client, log=log)
        after = log.labels()
        assert (done.sent, done.labelled, done.corrected, done.outdated) == (0, 33, 33, 0)
        assert {n: str(1 - int(x.value)) for n, x in before.items()} == {
            n: x.value for n, x in after.items()
        }
        # somebody corrected the log by hand, later than the source knows
        first = next(iter(after))
        client.label([TrueLabel(first, before[first].value, datetime(2024, 1, 1, tzinfo=UTC))])
        again = replay(project, corrected, {}, WINDOW, client=client, log=log)
    assert (again.corrected, again.outdated) == (0, 1)
    assert log.labels()[first].value == before[first].value
