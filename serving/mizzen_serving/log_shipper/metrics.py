"""What the sidecar counts, as Prometheus shows it. No library: the sidecar's image has none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from mizzen.errors import Conflict
from mizzen_serving.log_shipper.shipper import Backlog, Shipper

_TYPES = {
    "mizzen_ship_unshipped_bytes": "gauge",
    "mizzen_ship_unshipped_segments": "gauge",
    "mizzen_ship_behind_seconds": "gauge",
    "mizzen_ship_last_success_timestamp_seconds": "gauge",
    "mizzen_ship_shipped_bytes_total": "counter",
    "mizzen_ship_objects_total": "counter",
    "mizzen_ship_removed_segments_total": "counter",
    "mizzen_ship_failures_total": "counter",
}
REASONS = ("away", "bucket", "refused")


class ShipFigures:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values = dict.fromkeys(_TYPES, 0.0)
        self._failures: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self._behind_since: float | None = None

    def behind(self, backlog: Backlog) -> None:
        """What waits now."""
        with self._lock:
            self._values["mizzen_ship_unshipped_bytes"] = backlog.bytes
            self._values["mizzen_ship_unshipped_segments"] = backlog.segments
            if backlog.bytes == 0:
                self._behind_since = None
            elif self._behind_since is None:
                self._behind_since = time.monotonic()

    def shipped(self, shipper: Shipper) -> None:
        """What was done so far."""
        with self._lock:
            self._values["mizzen_ship_shipped_bytes_total"] = shipper.sent_bytes
            self._values["mizzen_ship_objects_total"] = shipper.puts
            self._values["mizzen_ship_removed_segments_total"] = shipper.removed

    def failed(self, reason: str) -> None:
        """A look that ended with an error."""
        with self._lock:
            self._failures[reason] += 1

    def succeeded(self) -> None:
        """A look that ended well."""
        with self._lock:
            self._values["mizzen_ship_last_success_timestamp_seconds"] = time.time()

    def render(self) -> bytes:
        """The page that Prometheus reads."""
        with self._lock:
            since = self._behind_since
            waited = 0.0 if since is None else time.monotonic() - since
            values = self._values | {"mizzen_ship_behind_seconds": waited}
            failures = sorted(self._failures.items())
        lines = []
        for name, kind in _TYPES.items():
            lines.append(f"# TYPE {name} {kind}")
            if name == "mizzen_ship_failures_total":
                lines += [f'{name}{{reason="{reason}"}} {count}' for reason, count in failures]
            else:
                lines.append(f"{name} {values[name]!r}")
        return "\n".join([*lines, ""]).encode()


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
            known = {"/metrics": figures.render(), "/healthz": b"alive\n"}
            body = known.get(self.path, b"")
            self.send_response(200 if body else 404)
            self.send_header("content-type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads who asked for figures."""

    return Handler
