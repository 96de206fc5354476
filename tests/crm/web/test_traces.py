"""Traces of the CRM reach a collector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from quart import Quart

from tests.crm.conftest import Auth
from tests.servers import free_port

pytestmark = pytest.mark.feature("AP6")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def settings(port: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    return {"TRACES_EXPORTER": "otlp"}


@pytest.fixture
async def received(port: int) -> AsyncIterator[list[bytes]]:
    """What a collector is sent, request by request."""
    bodies: list[bytes] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        bodies.append(await reader.readexactly(size))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(collect, "127.0.0.1", port):
        yield bodies


async def test_spans_reach_the_collector_when_the_app_ends(
    received: list[bytes], auth: Auth, app: Quart
) -> None:
    assert (await auth.get("/orders/")).status_code == 200
    await app.shutdown()

    request = ExportTraceServiceRequest()
    request.ParseFromString(b"".join(received))
    spans = [
        span
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]
    (page,) = (span for span in spans if span.name == "GET /orders/")
    statements = [span for span in spans if span.parent_span_id == page.span_id]
    assert {span.name for span in statements} >= {"SELECT"}
    assert {span.trace_id for span in statements} == {page.trace_id}
