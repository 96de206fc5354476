"""Traces: spans of requests, WebSockets and statements, and their headers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from quart import websocket
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from quarterdeck.app import Quart
from quarterdeck.exceptions import SocketClientError
from quarterdeck.logging import JSONFormatter, Logging
from quarterdeck.mail import Mail, Message
from quarterdeck.otel import OpenTelemetry, trace_headers
from quarterdeck.sockets.client import Client
from quarterdeck.sqlalchemy import SQLAlchemy
from tests.servers import Server

pytestmark = pytest.mark.feature("AP6")

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def make_app(uri: str = "sqlite:///:memory:", **options: Any) -> Quart:
    app = Quart("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = uri
    Logging(app)
    db = SQLAlchemy(app)
    OpenTelemetry(app, **options)

    @app.get("/reset/<token>")
    async def reset(token: str) -> str:
        await db.session.execute(text("SELECT :token"), {"token": token})
        return trace_headers()["traceparent"]

    @app.get("/broken")
    async def broken() -> str:
        with suppress(DBAPIError):
            await db.session.execute(text("SELECT nothing"))
        raise RuntimeError("s3cret")

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send(trace_headers()["traceparent"])

    return app


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def app(exporter: InMemorySpanExporter) -> Quart:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return make_app(tracer_provider=provider)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_continues_the_trace_of_its_client(
    app: Quart, exporter: InMemorySpanExporter
) -> None:
    response = await app.test_client().get("/reset/s3cret", headers={"traceparent": PARENT})

    statement, server = exporter.get_finished_spans()
    assert server.name == "GET /reset/<token>"
    assert server.kind is SpanKind.SERVER
    assert f"{server.context.trace_id:032x}" == TRACE
    assert server.parent is not None
    assert attributes(server)["http.response.status_code"] == 200
    assert attributes(server)["http.route"] == "/reset/<token>"
    assert attributes(server)["url.path"] == "/reset/***"
    assert statement.name == "SELECT"
    assert statement.kind is SpanKind.CLIENT
    assert statement.parent is not None
    assert statement.parent.span_id == server.context.span_id
    assert attributes(statement)["db.query.text"] == "SELECT ?"
    assert attributes(statement)["db.system.name"] == "sqlite"
    outgoing = await response.get_data(as_text=True)
    assert outgoing == f"00-{TRACE}-{server.context.span_id:016x}-01"
    assert "s3cret" not in statement.to_json() + server.to_json()


async def test_a_failure_is_an_error_of_its_span(
    app: Quart, exporter: InMemorySpanExporter
) -> None:
    await app.test_client().get("/broken")
    statement, server = exporter.get_finished_spans()
    assert statement.status.status_code is StatusCode.ERROR
    assert attributes(statement)["error.type"] == "OperationalError"
    assert server.status.status_code is StatusCode.ERROR
    assert attributes(server)["error.type"] == "500"


async def test_statements_of_postgresql(postgres: Server, exporter: InMemorySpanExporter) -> None:
    port = postgres.port
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    uri = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    app = make_app(uri, tracer_provider=provider)
    async with app.test_app():
        for path in ("/reset/s3cret", "/broken"):
            await app.test_client().get(path)

    done, _, failed, _ = exporter.get_finished_spans()
    assert attributes(done) == {
        "db.system.name": "postgresql",
        "db.namespace": "postgres",
        "db.operation.name": "SELECT",
        "db.query.text": "SELECT $1",
        "server.address": "127.0.0.1",
        "server.port": port,
    }
    assert failed.status.status_code is StatusCode.ERROR
    assert attributes(failed)["error.type"] == "ProgrammingError"
    assert all("s3cret" not in span.to_json() for span in exporter.get_finished_spans())


async def test_a_websocket_has_one_span(app: Quart, exporter: InMemorySpanExporter) -> None:
    async with app.test_client().websocket("/ws", headers={"traceparent": PARENT}) as connection:
        assert TRACE in await connection.receive()
    (span,) = exporter.get_finished_spans()
    assert span.name == "GET /ws"
    assert attributes(span)["http.response.status_code"] == 101


async def test_log_records_name_the_trace(app: Quart, caplog: pytest.LogCaptureFixture) -> None:
    lines = []
    caplog.handler.setFormatter(JSONFormatter())

    @app.get("/logs")
    async def logs() -> str:
        app.logger.warning("here")
        lines.append(caplog.handler.format(caplog.records[-1]))
        return ""

    await app.test_client().get("/logs", headers={"traceparent": PARENT})
    assert f'"trace_id":"{TRACE}"' in lines[0]


async def test_the_client_of_sockets_passes_the_trace_on(
    app: Quart, exporter: InMemorySpanExporter
) -> None:
    heads: list[str] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        @app.get("/watch")
        async def watch() -> str:
            with suppress(SocketClientError):
                async with Client(f"ws://127.0.0.1:{port}/ws"):
                    pass
            return ""

        await app.test_client().get("/watch")

    (span,) = exporter.get_finished_spans()
    expected = f"traceparent: 00-{span.context.trace_id:032x}-{span.context.span_id:016x}-"
    assert expected in heads[0]


class Slow(InMemorySpanExporter):
    """Notes that it was told to end."""

    ended = False

    def shutdown(self) -> None:
        self.ended = True
        self.sent = self.get_finished_spans()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def late(slow: Slow) -> Quart:
    return make_app(exporter=lambda: slow)


async def test_an_exporter_begins_and_ends_with_the_app(late: Quart, slow: Slow) -> None:
    async with late.test_app() as running:
        await running.test_client().get("/reset/a")
    assert slow.ended
    assert [span.name for span in slow.sent] == ["SELECT", "GET /reset/<token>"]
    assert slow.sent[0].resource.attributes["service.name"] == "shop"


def test_a_provider_excludes_an_exporter() -> None:
    with pytest.raises(TypeError, match="exclude each other"):
        OpenTelemetry(tracer_provider=TracerProvider(), exporter=InMemorySpanExporter)


def test_nothing_is_imported_without_it() -> None:
    code = (
        "import sys, pkgutil, quarterdeck.app, quarterdeck.logging, quarterdeck.sqlalchemy,"
        " quarterdeck.sockets.client, quarterdeck_crm;"
        " print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_a_mail_carries_the_trace(app: Quart) -> None:
    mail = Mail()
    app.config.update(MAIL_BACKEND="memory", MAIL_DEFAULT_SENDER="a@example.com")
    mail.init_app(app)

    @app.get("/mail")
    async def send() -> str:
        await mail.send(Message("Hello", ["b@example.com"], "Hello"))
        return trace_headers()["traceparent"]

    async with app.app_context():
        response = await app.test_client().get("/mail", headers={"traceparent": PARENT})
        (sent,) = mail.messages
    text = await response.get_data(as_text=True)
    assert f"traceparent: {text}\r\n".encode() in sent.content
    assert TRACE in text
