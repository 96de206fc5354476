"""Client spans: one for each statement that a database runs."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

#: The names of OpenTelemetry's conventions for databases, by SQLAlchemy's.
SYSTEMS = {"mysql": "mysql", "mariadb": "mariadb", "postgresql": "postgresql", "sqlite": "sqlite"}
_SPAN = "quarterdeck_otel_span"


def trace_engine(engine: Any, tracer: trace.Tracer) -> None:
    """Trace the statements of a synchronous engine, without their parameters."""
    from sqlalchemy import event

    url = engine.url
    fixed = {
        "db.system.name": SYSTEMS.get(url.get_backend_name(), "other_sql"),
        "db.namespace": url.database,
        "server.address": url.host,
        "server.port": url.port,
    }
    attributes = {name: value for name, value in fixed.items() if value is not None}

    def start(connection: Any, _cursor: object, statement: str, *_rest: object) -> None:
        operation = statement.lstrip().partition(" ")[0].upper()
        connection.info[_SPAN] = tracer.start_span(
            operation,
            kind=SpanKind.CLIENT,
            attributes={**attributes, "db.operation.name": operation, "db.query.text": statement},
        )

    def end(connection: Any, *_rest: object) -> None:
        connection.info.pop(_SPAN).end()

    def fail(failure: Any) -> None:
        connection = failure.connection
        span = None if connection is None else connection.info.pop(_SPAN, None)
        if span is not None:
            span.set_attribute("error.type", type(failure.original_exception).__name__)
            span.set_status(Status(StatusCode.ERROR))
            span.end()

    event.listen(engine, "before_cursor_execute", start)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)
