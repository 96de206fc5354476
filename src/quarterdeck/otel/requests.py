"""Server spans: one for each request, and one for each WebSocket while it is open."""

from __future__ import annotations

from typing import Any

from opentelemetry import context, propagate, trace
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import SpanKind, Status, StatusCode

from quarterdeck._exchange import Exchange, Observer
from quarterdeck._redaction import LOG_PATH, printable


class _Headers(Getter[Any]):
    """Reads the headers of an ASGI scope."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        name = key.lower().encode()
        found = [value.decode("latin-1") for header, value in carrier if header == name]
        return found or None

    def keys(self, carrier: Any) -> list[str]:
        return [name.decode("latin-1") for name, _ in carrier]


_HEADERS = _Headers()


class Requests(Observer):
    """Makes the spans, with the names of OpenTelemetry's conventions for HTTP.

    Args:
        tracer: Makes them.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def begin(self, exchange: Exchange) -> None:
        """Start a span that continues the trace of the client, and make it the current one."""
        scope = exchange.scope
        parent = propagate.extract(scope["headers"], getter=_HEADERS)
        attributes = {
            "http.request.method": exchange.method,
            "url.scheme": scope["scheme"],
            "url.path": scope["path"],  # for samplers; 'end' masks the tokens in it
        }
        span = self._tracer.start_span(
            exchange.method, context=parent, kind=SpanKind.SERVER, attributes=attributes
        )
        token = context.attach(trace.set_span_in_context(span, parent))
        exchange.notes["otel"] = (span, token)
        found = span.get_span_context()
        if found.is_valid:
            exchange.trace_id = trace.format_trace_id(found.trace_id)

    def end(self, exchange: Exchange, error: BaseException | None) -> None:
        """Complete the span with the route and the status."""
        span, token = exchange.notes.pop("otel")
        context.detach(token)
        if span.is_recording():
            self._describe(span, exchange, error)
        span.end()

    def _describe(self, span: trace.Span, exchange: Exchange, error: BaseException | None) -> None:
        scope, status = exchange.scope, exchange.status
        path = scope.get(LOG_PATH) or printable(scope["path"])
        known = {
            "url.path": path,
            "http.route": exchange.route,
            "http.response.status_code": status,
            "client.address": (scope.get("client") or (None,))[0],
            "network.protocol.version": scope.get("http_version"),
            "enduser.id": exchange.user_id,
        }
        span.set_attributes({name: value for name, value in known.items() if value is not None})
        if exchange.route is not None:
            span.update_name(f"{exchange.method} {exchange.route}")
        if isinstance(error, Exception):
            span.record_exception(error)
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
        elif status is not None and status >= 500:
            span.set_attribute("error.type", str(status))
            span.set_status(Status(StatusCode.ERROR))
