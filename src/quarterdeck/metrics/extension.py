"""The extension: it observes requests, and measures rooms and event loop at intervals."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from quart import Response, current_app

from quarterdeck._exchange import observe
from quarterdeck._measurements import measurements_of
from quarterdeck._metrics_folder import metrics_folder
from quarterdeck._quart import unwrap
from quarterdeck.config import read
from quarterdeck.exceptions import ConfigurationError

from .collected import Collected
from .config import CONFIG, STATE, MetricsState

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from quart import Quart

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Metrics:
    """Counts and times the requests of an app, and collects the figures of its rooms.

    A view of the app returns :meth:`response`; the app restricts the access to it.

    Args:
        app: Initialise for this app at once.
    """

    def __init__(self, app: Quart | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Observe the requests of an app, and measure while it serves.

        Raises:
            ConfigurationError: If a key has a wrong value.
            ExtensionAlreadyInitializedError: If it was called for ``app`` before.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        namespace = config["METRICS_NAMESPACE"]
        if not _NAME.fullmatch(namespace):
            remedy = "Use letters, digits and underscores."
            raise ConfigurationError("METRICS_NAMESPACE", f"is {namespace!r}", remedy)
        collected = Collected(namespace)
        STATE.attach(app, MetricsState(collected), self)
        observe(app, collected)
        ticker = _Ticker(app, collected, config["METRICS_INTERVAL"] or 1.0)
        app.before_serving(ticker.start)
        app.after_serving(ticker.stop)

    @property
    def registry(self) -> CollectorRegistry:
        """The registry of the current app, for metrics of your own."""
        return STATE.get().collected.registry

    async def response(self) -> Response:
        """Return all figures in the text format of Prometheus, summed over the workers."""
        collected = STATE.get().collected
        collected.update(measurements_of(unwrap(current_app)))
        return Response(await collected.render(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Ticker:
    """A timer that runs while the app serves."""

    def __init__(self, app: Quart, collected: Collected, interval: float) -> None:
        self._app = app
        self._collected = collected
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        self._schedule()

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._interval, self._tick, loop.time() + self._interval)

    def _tick(self, planned: float) -> None:
        self._collected.note_lag(asyncio.get_running_loop().time() - planned)
        self._schedule()
        if metrics_folder() is not None:  # another worker may answer the next scrape
            self._collected.update(measurements_of(self._app))
