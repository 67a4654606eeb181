"""What the server measures of itself, for Prometheus."""

from __future__ import annotations

from collections.abc import Sized

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Instruments:
    """Of one application; labels are routes, never paths, so their number is bounded."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        labels = ("method", "route", "status")
        self._requests = Counter(
            "mizzen_api_requests", "Requests that were answered.", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "mizzen_api_request_seconds",
            "Time until the answer was sent.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "mizzen_api_requests_in_flight",
            "Requests that are being answered.",
            registry=self._registry,
        )
        self.streams = Gauge(
            "mizzen_api_event_streams", "Open streams of events.", registry=self._registry
        )
        self.ready = Gauge(
            "mizzen_api_ready", "1 while the state can be used.", registry=self._registry
        )

        self._connections = Gauge(
            "mizzen_api_connections", "Open connections.", registry=self._registry
        )
        self._refused = Counter(
            "mizzen_api_refused_connections",
            "Connections and requests that a limit ended, by reason.",
            ("reason",),
            registry=self._registry,
        )

    def watch(self, connections: Sized) -> None:
        """Show how many connections are open."""
        self._connections.set_function(lambda: len(connections))

    def refuse_connection(self, reason: str) -> None:
        """Count what a limit ended."""
        self._refused.labels(reason).inc()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer. Streams are not timed: they last as long as their run."""
        self._requests.labels(method, route, str(status)).inc()
        if not route.endswith("/events"):
            self._seconds.labels(method, route).observe(seconds)

    def page(self) -> bytes:
        """The exposition."""
        return generate_latest(self._registry)
