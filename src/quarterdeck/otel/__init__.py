"""Traces by OpenTelemetry: a span for each request, WebSocket and statement.

Without this package nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

from quarterdeck._extras import needs as _needs

_needs("otel", "opentelemetry")

from quarterdeck._propagation import trace_headers

from .extension import OpenTelemetry

__all__ = ["OpenTelemetry", "trace_headers"]
