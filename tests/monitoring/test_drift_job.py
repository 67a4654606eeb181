"""The drift job over a real log: what it judges, what it leaves behind."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mizzen.core.place import Place
from mizzen.errors import IntegrityError, UserError
from mizzen.ports.prediction_log import LogWindow, TrueLabel
from mizzen.spec import Profile
from mizzen_monitoring import drift_job
from mizzen_monitoring.metrics import DRIFT_JOB
from mizzen_monitoring.results import DriftResult

from .conftest import DAY, START, project_of, rows_of

JUNE = START + 180 * DAY


def run(in_use: Any, start: Any = JUNE, days: int = 30, **changes: Any) -> DriftResult:
    arguments = {
        "package": in_use.package,
        "log": in_use.log,
        "window": LogWindow(start, start + timedelta(days=days), 3),
        "into": in_use.place.home / "reports" / "now",
        "place": in_use.place,
    }
    return drift_job.run(**(arguments | changes))


def samples(text: str) -> dict[tuple[str, ...], float]:
    """(name, sorted label values) -> value, parsed as Prometheus does."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.startswith(("push_", "go_", "process_", "pushgateway_"))
    }


def test_a_month_like_the_training_months_is_quiet(in_use: Any) -> None:
    frame = rows_of(np.random.default_rng(5), 1500, JUNE, 30)
    in_use.label(in_use.predict(frame), frame["broke"])
    result = run(in_use)
    assert result.newest.drift.judged
    assert (result.alarm, result.newest.cause) == (False, None)
    assert result.counts.predictions == 1500
    assert {c.role for c in result.newest.drift.columns} == {"input", "label", "output"}


def test_a_changed_input_alarms_and_everything_is_left_behind(in_use: Any) -> None:
    frame = rows_of(np.random.default_rng(6), 1500, JUNE, 30)
    in_use.predict(frame.assign(heat=frame["heat"] + 1))
    result = run(in_use)
    assert result.newest.cause == "drift"
    assert [c.column for c in result.newest.drift.beyond] == ["heat"]
    document = json.loads(result.result.read_text())
    assert document["windows"][0]["cause"] == "drift"
    assert result.report is not None
    assert "ALARM" in result.report.read_text()
    figures = samples(result.metrics.read_text())
    assert figures[("mizzen_drift_alarm", "3", "pumps")] == 1
    assert sorted(p.name for p in result.result.parent.iterdir()) == ["report.html", "result.json"]


def test_a_stored_label_that_is_none_is_named_and_fails_no_window(
    use: Callable[[Any], Any],
) -> None:
    in_use = use(project_of())
    frame = rows_of(np.random.default_rng(7), 1500, JUNE, 30)
    ids = in_use.predict(frame)
    in_use.label(ids, frame["broke"])
    in_use.log.label([TrueLabel(n, v, JUNE) for n, v in zip(ids, ("abc", np.nan), strict=False)])
    result = run(in_use)
    assert (result.newest.drift.judged, result.alarm) == (True, False)
    assert result.newest.wrong == ("p0 ('abc')", "p1 (nan)")
    assert result.newest.drift_figures["wrong_labels"] == "p0 ('abc'), p1 (nan)"
    assert json.loads(result.result.read_text())["windows"][0]["wrong"][0] == "p0 ('abc')"


def test_labels_that_come_early_raise_no_alarm_of_the_label(in_use: Any) -> None:
    frame = rows_of(np.random.default_rng(7), 1500, JUNE, 30)
    ids = in_use.predict(frame)
    positive = frame["broke"].to_numpy() == 1
    assert positive.sum() > 300
    in_use.label([n for n, yes in zip(ids, positive, strict=True) if yes], frame["broke"][positive])
    result = run(in_use)
    assert "label" not in {c.role for c in result.newest.drift.columns}
    assert (result.newest.drift.judged, result.alarm) == (True, False)
    assert result.report is not None
    assert f"labels for {positive.sum()} of 1500 predictions" in result.report.read_text()


def test_only_the_given_version_and_window_count(in_use: Any) -> None:
    rng = np.random.default_rng(8)
    in_use.predict(rows_of(rng, 400, JUNE, 30))
    in_use.predict(rows_of(rng, 300, JUNE, 30), version=2)
    in_use.predict(rows_of(rng, 300, JUNE - 40 * DAY, 20))
    assert run(in_use).newest.drift.rows == 400


def test_a_long_replay_is_judged_window_by_window(in_use: Any) -> None:
    rng = np.random.default_rng(9)
    in_use.predict(rows_of(rng, 1500, JUNE, 60))
    moved = rows_of(rng, 700, JUNE + 60 * DAY, 30)
    in_use.predict(moved.assign(load=moved["load"] + 1))
    result = run(in_use, days=92)
    assert [w.cause for w in result.windows] == [None, None, "drift"]
    assert result.newest.end == JUNE + 92 * DAY
    assert result.windows[0].start == JUNE + 2 * DAY
    whole = run(in_use, window=LogWindow(None, None, 3))
    assert len(whole.windows) == 3
    assert sum(w.drift.rows for w in whole.windows) == 2200


def test_a_quiet_service_gives_an_unjudged_window(in_use: Any) -> None:
    result = run(in_use)
    assert (result.alarm, result.newest.drift.judged, result.report) == (False, False, None)
    assert "min_rows" in result.newest.drift.reason


def test_equal_logs_give_equal_results(in_use: Any) -> None:
    frame = rows_of(np.random.default_rng(10), 800, JUNE, 30)
    in_use.label(in_use.predict(frame), frame["broke"])
    first = run(in_use).result.read_bytes()
    assert run(in_use).result.read_bytes() == first


def test_a_window_of_several_versions_is_refused(in_use: Any) -> None:
    with pytest.raises(UserError, match="one model version"):
        run(in_use, window=LogWindow())


def test_a_package_without_a_baseline_is_refused(in_use: Any) -> None:
    (in_use.package / "baseline.json").unlink()
    with pytest.raises(IntegrityError, match="no baseline"):
        run(in_use)


def test_every_metric_of_the_job_is_exposed_under_its_name(in_use: Any) -> None:
    frame = rows_of(np.random.default_rng(11), 800, JUNE, 30)
    in_use.label(in_use.predict(frame), frame["broke"])
    text = run(in_use).metrics.read_text()
    families = {f.name: f for f in text_string_to_metric_families(text)}
    assert set(families) == {metric.name for metric in DRIFT_JOB}
    for metric in DRIFT_JOB:
        found = families[metric.name]
        assert found.type == metric.kind
        assert found.samples
        assert all(set(s.labels) == set(metric.labels) for s in found.samples)


class _Gateway(http.server.BaseHTTPRequestHandler):
    """What a push gateway does as far as these tests see, where none is installed."""

    pages: dict[str, bytes] = {}  # noqa: RUF012 (one server at a time)

    def do_PUT(self) -> None:
        self.pages[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"".join(self.pages.values()))

    def log_message(self, *_: object) -> None:
        return


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """The address of a push gateway: Prometheus's own where it is installed."""
    port = free_port()
    program = shutil.which("prometheus-pushgateway")
    if program is None:
        _Gateway.pages.clear()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Gateway)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{port}"
        server.shutdown()
        return
    address = f"127.0.0.1:{port}"
    log = (tmp_path / "gateway.log").open("wb")
    process = subprocess.Popen([program, f"--web.listen-address={address}"], stdout=log, stderr=log)
    try:
        wait_for(lambda: bool(read(address)))
        yield address
    finally:
        process.terminate()
        process.wait()
        log.close()


def read(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def wait_for(ready: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if ready():
                return
        except OSError:
            assert time.monotonic() < until, "the push gateway did not start"
        time.sleep(0.05)


def with_gateway(place: Place, address: str) -> Place:
    profile = place.profile.model_dump(mode="json", by_alias=True)
    profile["metrics"] = {"pushgateway": address}
    return Place(place.project, place.home, Profile.model_validate(profile))


def test_a_push_gateway_gets_the_same_figures_and_keeps_the_newest(
    in_use: Any, gateway: str
) -> None:
    place = with_gateway(in_use.place, gateway)
    frame = rows_of(np.random.default_rng(12), 800, JUNE, 30)
    in_use.predict(frame.assign(heat=frame["heat"] + 2))
    assert run(in_use, place=place).push_error is None
    assert 1.0 in {v for k, v in samples(read(gateway)).items() if k[0] == "mizzen_drift_alarm"}
    later = rows_of(np.random.default_rng(13), 800, JUNE + 30 * DAY, 30)
    in_use.predict(later)
    run(in_use, start=JUNE + 30 * DAY, place=place)
    alarms = [v for k, v in samples(read(gateway)).items() if k[0] == "mizzen_drift_alarm"]
    assert alarms == [0]


def test_a_push_gateway_that_is_away_fails_no_job(in_use: Any) -> None:
    in_use.predict(rows_of(np.random.default_rng(14), 800, JUNE, 30))
    result = run(in_use, place=with_gateway(in_use.place, f"127.0.0.1:{free_port()}"))
    assert result.push_error is not None
    assert result.metrics.exists()


def test_without_rows_there_is_one_unjudged_window_that_begins_before_its_end(
    in_use: Any,
) -> None:
    result = run(in_use, window=LogWindow(None, JUNE, 3))
    assert [(w.start, w.end) for w in result.windows] == [(JUNE - 30 * DAY, JUNE)]
    assert not result.newest.drift.judged
    assert result.newest.drift_figures["judged"] is False
    with pytest.raises(UserError, match="holds nothing"):
        run(in_use, window=LogWindow(JUNE, JUNE - DAY, 3))


def test_years_without_rows_are_one_window(in_use: Any) -> None:
    in_use.predict(rows_of(np.random.default_rng(15), 400, JUNE, 30))
    result = run(in_use, window=LogWindow(None, JUNE + 3000 * DAY, 3))
    assert [w.drift.rows for w in result.windows] == [400, 0]
    assert all(w.start < w.end for w in result.windows)


def test_a_month_whose_rows_share_one_event_time_is_judged(in_use: Any) -> None:
    frame = rows_of(np.random.default_rng(16), 900, JUNE, 30)
    month_end = frame.assign(at=JUNE + 29 * DAY)
    in_use.predict(month_end.assign(load=month_end["load"] + 1.5))
    found = run(in_use).newest.drift
    assert (found.judged, found.alarm, found.rows) == (True, True, 900)


ODD = {
    "one number near the largest float": lambda frame: frame.assign(
        load=np.where(frame["id"] == 7, 1e308, frame["load"])
    ),
    "a constant": lambda frame: frame.assign(load=0.5, kind="a"),
    "an infinity": lambda frame: frame.assign(
        load=np.where(frame["id"] == 7, np.inf, frame["load"])
    ),
    "nothing but nulls": lambda frame: frame.assign(load=0.1, heat=np.nan, kind=None),
}


@pytest.mark.parametrize("odd", ODD)
def test_a_window_with_odd_values_has_a_verdict_with_or_without_its_page(
    in_use: Any, odd: str
) -> None:
    frame = rows_of(np.random.default_rng(17), 800, JUNE, 30)
    in_use.predict(ODD[odd](frame))
    result = run(in_use)
    assert result.newest.drift.judged
    assert result.newest.drift.alarm == (not odd.startswith(("one ", "an ")))
    assert (result.report is None) == (result.report_error is not None)
    assert (result.result.parent / "report.html").exists() == (result.report is not None)
    if result.report_error is not None:
        assert odd in result.report_error or "Error" in result.report_error


def test_a_page_that_cannot_be_drawn_leaves_the_verdict_and_says_so(
    in_use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise OverflowError("cannot convert float infinity to integer")

    frame = rows_of(np.random.default_rng(18), 800, JUNE, 30)
    in_use.predict(frame.assign(heat=frame["heat"] + 1))
    assert run(in_use).report is not None
    monkeypatch.setattr("mizzen.adapters.evidently.report.EvidentlyReport.render", broken)
    result = run(in_use)
    assert result.alarm
    assert result.report is None
    assert result.report_error == "OverflowError: cannot convert float infinity to integer"
    assert not (result.result.parent / "report.html").exists()  # the older page showed other rows
