"""Traces by OpenTelemetry, if ``TRACES_EXPORTER`` asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart


def register_traces(app: Quart) -> None:
    """Trace requests and statements of an app; without the key, nothing is imported.

    Raises:
        MissingPackageError: If ``quarterdeck[otel]`` is not installed.
    """
    if app.config["TRACES_EXPORTER"] is None:
        return
    from quarterdeck.otel import OpenTelemetry  # isort: skip

    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    OpenTelemetry(app, exporter=OTLPSpanExporter)
