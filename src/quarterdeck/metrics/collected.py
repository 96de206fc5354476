"""The metrics of one app: requests, the event loop, and the figures of the rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from quarterdeck._exchange import Exchange, Observer
from quarterdeck._measurements import Measurement
from quarterdeck._metrics_folder import metrics_folder, read_supervisor

from . import seats

# Of series that tell when the others began.
disable_created_metrics()

REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Collected(Observer):
    """Counts the requests of an app, and keeps the other figures.

    Args:
        namespace: The first word of the name of each metric.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.registry = CollectorRegistry()
        self._figures: dict[str, Any] = {}
        self._counted: dict[tuple[str, ...], float] = {}
        self._requests = self._make(
            Counter, "requests", "Responses by endpoint and status.", ("endpoint", "status")
        )
        self._seconds = self._make(
            Histogram,
            "request_seconds",
            "Time until a response was ready.",
            ("endpoint",),
            buckets=REQUEST_SECONDS,
        )
        self._lag = self._make(
            Histogram,
            "event_loop_lag_seconds",
            "How late the event loop ran a timer.",
            buckets=LAG_SECONDS,
        )

    def _make(self, kind: Any, name: str, about: str, labels: Any = (), **options: Any) -> Any:
        return kind(f"{self.namespace}_{name}", about, labels, registry=self.registry, **options)

    def end(self, exchange: Exchange, error: BaseException | None) -> None:
        """Count a response. A request whose client left before it is not counted."""
        if exchange.status is None:
            return
        endpoint = exchange.endpoint or "none"  # not the path: strangers make up any number
        self._requests.labels(endpoint, str(exchange.status)).inc()
        if not exchange.is_websocket:
            self._seconds.labels(endpoint).observe(exchange.seconds)

    def note_lag(self, seconds: float) -> None:
        """Note how late the event loop ran a timer."""
        self._lag.observe(max(seconds, 0.0))

    def update(self, measurements: Iterable[Measurement]) -> None:
        """Note the present figures of the rooms."""
        for each in measurements:
            metric = self._figures.get(each.name)
            if metric is None:
                metric = self._figures[each.name] = self._make_figure(each)
            child = metric.labels(*each.labels.values()) if each.labels else metric
            if each.is_counter:
                key = (each.name, *each.labels.values())
                child.inc(max(each.value - self._counted.get(key, 0.0), 0.0))
                self._counted[key] = each.value
            else:
                child.set(each.value)

    def _make_figure(self, each: Measurement) -> Any:
        if each.is_counter:
            return self._make(Counter, each.name, each.help, tuple(each.labels))
        mode = "livemostrecent" if each.is_shared else "livesum"
        return self._make(Gauge, each.name, each.help, tuple(each.labels), multiprocess_mode=mode)

    async def render(self) -> bytes:
        """Return all figures in the text format of Prometheus, summed over the workers."""
        folder = metrics_folder()
        if folder is None:
            return generate_latest(self.registry)
        return await asyncio.to_thread(self._render_shared, folder)

    def _render_shared(self, folder: Path) -> bytes:
        registry = CollectorRegistry()
        registry.register(_AllWorkers(folder, self.namespace))
        return generate_latest(registry)


class _AllWorkers(Collector):
    def __init__(self, folder: Path, namespace: str) -> None:
        self.folder = folder
        self.namespace = namespace

    def collect(self) -> Iterator[Metric]:
        yield from MultiProcessCollector.merge(seats.files(self.folder))
        workers, replaced = read_supervisor(self.folder)
        yield GaugeMetricFamily(
            f"{self.namespace}_workers", "Workers that the supervisor keeps.", value=workers
        )
        family = CounterMetricFamily(
            f"{self.namespace}_workers_replaced", "Workers replaced, by reason.", labels=["reason"]
        )
        for reason, number in replaced.items():
            family.add_metric([reason], number)
        yield family

    def describe(self) -> list[Metric]:
        return []  # without it the registry would collect at once
