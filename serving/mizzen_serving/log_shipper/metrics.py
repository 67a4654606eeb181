"""What the sidecar counts, as Prometheus shows it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from mizzen.errors import Conflict
from mizzen_serving.log_shipper.shipper import Backlog, Shipper

_SHIP = "mizzen_ship"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REASONS = ("away", "bucket", "refused")


class ShipFigures(Collector):
    """What `/metrics` shows. Thread-safe. A collector: the shipper itself holds the totals, and how
    long something has been waiting is known when somebody asks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._backlog = Backlog(0, 0, 0)
        self._sent = (0, 0, 0)
        self._failures: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self._behind_since: float | None = None
        self._succeeded_at = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def behind(self, backlog: Backlog) -> None:
        """What waits now."""
        with self._lock:
            self._backlog = backlog
            if backlog.bytes == 0:
                self._behind_since = None
            elif self._behind_since is None:
                self._behind_since = time.monotonic()

    def shipped(self, shipper: Shipper) -> None:
        """What was done so far."""
        with self._lock:
            self._sent = (shipper.sent_bytes, shipper.puts, shipper.removed)

    def failed(self, reason: str) -> None:
        """A look that ended with an error."""
        with self._lock:
            self._failures[reason] += 1

    def succeeded(self) -> None:
        """A look that ended well."""
        with self._lock:
            self._succeeded_at = time.time()

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks of a collector: everything as it is now."""
        with self._lock:
            since, backlog, sent = self._behind_since, self._backlog, self._sent
            failures, succeeded_at = sorted(self._failures.items()), self._succeeded_at
        waited = 0.0 if since is None else time.monotonic() - since
        gauge, counter = GaugeMetricFamily, CounterMetricFamily
        yield gauge(f"{_SHIP}_unshipped_bytes", "Bytes not stored yet.", backlog.bytes)
        yield gauge(f"{_SHIP}_unshipped_segments", "Segments not stored whole.", backlog.segments)
        yield gauge(f"{_SHIP}_behind_seconds", "How long something has been waiting.", waited)
        yield gauge(
            f"{_SHIP}_last_success_timestamp_seconds",
            "The last look without an error.",
            succeeded_at,
        )
        yield counter(f"{_SHIP}_shipped_bytes", "Bytes sent.", sent[0])
        yield counter(f"{_SHIP}_objects", "Objects sent.", sent[1])
        yield counter(f"{_SHIP}_removed_segments", "Segments that made room.", sent[2])
        failed = counter(f"{_SHIP}_failures", "Looks that failed, by reason.", labels=["reason"])
        for reason, count in failures:
            failed.add_metric([reason], count)
        yield failed

    def render(self) -> bytes:
        """The page that Prometheus reads."""
        return generate_latest(self._registry)


@contextmanager
def expose(figures: ShipFigures, port: int) -> Iterator[None]:
    """Answer GET /metrics and /healthz on a port while the context lasts; 0: do not.

    Raises:
        Conflict: the port is taken.
    """
    if port == 0:
        yield
        return
    try:
        server = ThreadingHTTPServer(("", port), _handler(figures))
    except OSError as error:
        raise Conflict(f"port {port} is taken", given=error, next_step="--metrics-port") from None
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True, name="metrics").start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _handler(figures: ShipFigures) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"alive\n" if self.path == "/healthz" else b""
            if self.path == "/metrics":
                body = figures.render()
            self.send_response(200 if body else 404)
            self.send_header("content-type", CONTENT_TYPE)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads who asked for figures."""

    return Handler
