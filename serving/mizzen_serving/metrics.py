"""What the service counts, as Prometheus shows it on /metrics."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MutexValue, ValueClass

from mizzen_serving.model import Model

# Decided when prometheus_client was imported. The variable may be set later without effect:
# Feast does so when it is imported.
_SHARED = ValueClass is not MutexValue
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5
)  # fmt: skip
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)


class Instruments:
    """The metrics of one service process. With several workers prometheus_client keeps them
    in PROMETHEUS_MULTIPROC_DIR and every worker shows the sum."""

    def __init__(self) -> None:
        # a second series for each counter, which nobody asks for
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "mizzen_serving_requests", "Requests by path and code.", ["path", "code"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "mizzen_serving_request_seconds", "Duration of a request, by path.", ["path"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.rows = Counter("mizzen_serving_rows", "Rows predicted.", registry=registry)
        self.batch_rows = Histogram(
            "mizzen_serving_batch_rows", "Rows that the model saw at once.", buckets=_ROWS,
            registry=registry,
        )  # fmt: skip
        self.labels = Counter("mizzen_serving_labels", "Labels received.", registry=registry)
        self._in_flight = Gauge(
            "mizzen_serving_in_flight", "Requests being answered.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self._missing = Counter(
            "mizzen_serving_features_missing", "Null values that the model saw, by feature.",
            ["feature"], registry=registry,
        )  # fmt: skip
        self._outside = Counter(
            "mizzen_serving_features_outside",
            "Numbers far outside what training saw, by feature.", ["feature"], registry=registry,
        )  # fmt: skip
        self._unknown = Counter(
            "mizzen_serving_categories_unknown",
            "Values of a category that training never saw, by feature.",
            ["feature"], registry=registry,
        )  # fmt: skip
        self.output_faults = Counter(
            "mizzen_serving_output_faults", "Rows whose output failed its check.",
            registry=registry,
        )  # fmt: skip
        self._unsynced = Gauge(
            "mizzen_serving_log_unsynced_bytes", "What a power failure would lose now.",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._refused = Gauge(
            "mizzen_serving_log_refused_records", "Records that the full log refused.",
            registry=registry, multiprocess_mode="sum",
        )  # fmt: skip
        self._info = Gauge(
            "mizzen_serving_model_info", "The served model; always 1.",
            ["model", "version", "task", "framework", "weights"], registry=registry,
            multiprocess_mode="livemax",
        )  # fmt: skip
        self._connections = Gauge(
            "mizzen_serving_connections", "Open connections.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.refused_connections = Counter(
            "mizzen_serving_refused_connections",
            "Connections and requests that a limit ended, by reason.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self._workers = Gauge(
            "mizzen_serving_workers", "Workers of the service, by state; only with several.",
            ["state"], registry=registry, multiprocess_mode="livemin",
        )  # fmt: skip
        self._children: dict[tuple[str, int], Callable[[float], None]] = {}

    def show_model(self, model: Model) -> None:
        """Tell which model is served."""
        self._info.labels(
            model=model.project.name,
            version=str(model.version),
            task=model.project.task,
            framework=model.manifest.framework,
            weights=model.manifest.weights_hash,
        ).set(1)

    def show_workers(self, ready: int, wanted: int) -> None:
        """How many workers answer, of how many."""
        self._workers.labels("ready").set(ready)
        self._workers.labels("wanted").set(wanted)

    def show_load(self, in_flight: int, connections: int) -> None:
        """Requests that are being answered, and open connections. Shown a few times a second:
        counted one by one they would cost as much as the rest of the count."""
        self._in_flight.set(in_flight)
        self._connections.set(connections)

    def request(self, path: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        child = self._children.get((path, code))
        if child is None:
            child = self._children[path, code] = self._child(path, code)
        child(seconds)

    def missing(self, feature: str, values: int) -> None:
        """Count null values of a feature."""
        self._missing.labels(feature).inc(values)

    def outside(self, feature: str, values: int) -> None:
        """Count values of a feature far outside what training saw."""
        self._outside.labels(feature).inc(values)

    def unknown(self, feature: str, values: int) -> None:
        """Count values of a category that training never saw."""
        self._unknown.labels(feature).inc(values)

    def render(self, unsynced: int, refused: int) -> bytes:
        """The page that Prometheus reads; the log's figures are passed in."""
        self._unsynced.set(unsynced)
        self._refused.set(refused)
        if not _SHARED:
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)

    def _child(self, path: str, code: int) -> Callable[[float], None]:
        counter = self._requests.labels(path, str(code))
        histogram = self._seconds.labels(path)

        def count(seconds: float) -> None:
            counter.inc()
            histogram.observe(seconds)

        return count
