"""The extension: it observes requests and database engines, and starts the exporter."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from quarterdeck._exchange import observe
from quarterdeck._propagation import set_injector
from quarterdeck._state import states_of
from quarterdeck.config import read

from .config import CONFIG, STATE, OpenTelemetryState
from .requests import Requests
from .statements import trace_engine

if TYPE_CHECKING:
    from quart import Quart


class OpenTelemetry:
    """Traces the requests, WebSockets and statements of an app.

    Call ``init_app`` after that of the database. Spans go to the global tracer provider. With
    ``exporter``, the extension makes a provider when the app begins to serve, in each worker, and
    exports the last spans when it ends.

    Args:
        app: Initialise for this app at once.
        exporter: Makes the exporter, for example ``OTLPSpanExporter``.
        tracer_provider: Used instead of the global one; excludes ``exporter``.
    """

    def __init__(
        self,
        app: Quart | None = None,
        *,
        exporter: Callable[[], SpanExporter] | None = None,
        tracer_provider: trace.TracerProvider | None = None,
    ) -> None:
        if exporter is not None and tracer_provider is not None:
            raise TypeError("'exporter' and 'tracer_provider' exclude each other. Give one.")
        self._exporter = exporter
        self._provider = tracer_provider
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Observe the requests of an app and the databases that it has by now.

        Raises:
            ConfigurationError: If a key has a wrong value.
            ExtensionAlreadyInitializedError: If it was called for ``app`` before.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        state = OpenTelemetryState()
        STATE.attach(app, state, self)
        provider = self._provider
        if self._exporter is not None:
            provider = _LateProvider()
            starter = _Starter(provider, self._exporter, _service(app, config), state)
            app.before_serving(starter.start)
            app.after_serving(starter.stop)
        tracer = trace.get_tracer("quarterdeck", tracer_provider=provider)
        observe(app, Requests(tracer))
        for each in states_of(app):
            for engine in getattr(each, "traced_engines", ()):
                trace_engine(engine, tracer)
        set_injector(propagate.inject)


def _service(app: Quart, config: dict[str, Any]) -> str:
    return config["OTEL_SERVICE"] or os.environ.get("OTEL_SERVICE_NAME") or app.name


class _LateProvider(trace.TracerProvider):
    """Stands in until the app serves: an exporter has a thread, which no fork would keep."""

    def __init__(self) -> None:
        self.provider: trace.TracerProvider | None = None

    def get_tracer(self, *args: Any, **options: Any) -> trace.Tracer:
        return _LateTracer(self, args, options)


class _LateTracer(trace.Tracer):
    def __init__(self, late: _LateProvider, args: Any, options: Any) -> None:
        self._late = late
        self._arguments = (args, options)
        self._known: tuple[trace.TracerProvider, trace.Tracer] | None = None

    @property
    def _tracer(self) -> trace.Tracer:
        provider = self._late.provider
        if provider is None:
            return trace.NoOpTracer()
        if self._known is None or self._known[0] is not provider:
            args, options = self._arguments
            self._known = (provider, provider.get_tracer(*args, **options))
        return self._known[1]

    def start_span(self, *args: Any, **options: Any) -> trace.Span:
        return self._tracer.start_span(*args, **options)

    def start_as_current_span(self, *args: Any, **options: Any) -> Any:
        return self._tracer.start_as_current_span(*args, **options)


class _Starter:
    def __init__(
        self,
        late: _LateProvider,
        exporter: Callable[[], SpanExporter],
        service: str,
        state: OpenTelemetryState,
    ) -> None:
        self._late = late
        self._exporter = exporter
        self._service = service
        self._state = state

    async def start(self) -> None:
        provider = await asyncio.to_thread(self._make)  # it looks for facts about the machine
        self._late.provider, self._state.shutdown = provider, provider.shutdown

    def _make(self) -> TracerProvider:
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: self._service}))
        provider.add_span_processor(BatchSpanProcessor(self._exporter()))
        return provider

    async def stop(self) -> None:
        self._late.provider = None
        if self._state.shutdown is not None:
            await asyncio.to_thread(self._state.shutdown)  # it sends the last spans
