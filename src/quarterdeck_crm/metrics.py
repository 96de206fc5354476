"""``/metrics``: what this process does, for Prometheus. For this machine, or with a token."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from quart import Response, abort, current_app, g, request

from quarterdeck.app import Blueprint
from quarterdeck.login import public
from quarterdeck.session import stateless

from .extensions import db, hub

if TYPE_CHECKING:
    from quart import Quart

bp = stateless(Blueprint("metrics", __name__))

# Of series that say when the others began.
disable_created_metrics()  # type: ignore[no-untyped-call]

STATE = "crm_metrics"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")  # what proxies add
LIVE_COUNTERS = {"delivered", "fell_behind"}  # of the hub; the others go up and down


class Requests:
    """Counts the answers of one app and how long they took."""

    def __init__(self, app: Quart) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Database())
        self.registry.register(Live())
        self._answers = Counter(
            "crm_requests",
            "Answers by endpoint and status.",
            ("endpoint", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "crm_request_seconds",
            "Time until an answer was ready.",
            ("endpoint",),
            buckets=SECONDS,
            registry=self.registry,
        )
        app.before_request(self._begin)
        app.after_request(self._end)

    async def _begin(self) -> None:
        g.request_began = time.perf_counter()

    async def _end(self, response: Response) -> Response:
        endpoint = request.endpoint or "none"  # not the path: strangers make up any number
        self._answers.labels(endpoint, response.status_code).inc()
        if (began := g.get("request_began")) is not None:
            self._seconds.labels(endpoint).observe(time.perf_counter() - began)
        return response


class Database(Collector):
    """The connections of the database, asked when somebody reads the metrics."""

    def collect(self) -> Iterator[Metric]:
        status = db.pool_status()
        if status is None:
            return
        connections = GaugeMetricFamily(
            "crm_database_connections", "Open connections.", labels=["state"]
        )
        connections.add_metric(["checked_out"], status.checked_out)
        connections.add_metric(["idle"], status.idle)
        yield connections
        yield GaugeMetricFamily(
            "crm_database_waiting", "Who waits for a connection.", value=status.waiting
        )
        if status.limit is not None:
            yield GaugeMetricFamily(
                "crm_database_connections_limit", "How many there may be.", value=status.limit
            )

    def describe(self) -> list[Metric]:
        return []  # without it the registry would collect before there is a database


class Live(Collector):
    """The WebSockets of this process."""

    def collect(self) -> Iterator[Metric]:
        for name, value in hub.statistics().items():
            family = CounterMetricFamily if name in LIVE_COUNTERS else GaugeMetricFamily
            yield family(f"crm_live_{name}", f"Live events: {name.replace('_', ' ')}.", value=value)

    def describe(self) -> list[Metric]:
        return []


def register_metrics(app: Quart) -> None:
    """Count the requests of an app; to be called before anything else that looks at them."""
    app.extensions[STATE] = Requests(app)


@bp.get("/metrics")
@public
async def show() -> Response:
    """Return all figures of this process in the text format of Prometheus."""
    if not (_comes_from_here() or _has_token()):
        abort(403, "Ask from the machine itself, or with the token that CRM_METRICS_TOKEN sets.")
    registry: CollectorRegistry = current_app.extensions[STATE].registry
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _comes_from_here() -> bool:
    """Whether it was asked for on this machine, and not by a proxy on it for somebody else."""
    try:
        is_loopback = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return is_loopback and not any(name in request.headers for name in FORWARDED)


def _has_token() -> bool:
    token = current_app.config["METRICS_TOKEN"]
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.encode())
