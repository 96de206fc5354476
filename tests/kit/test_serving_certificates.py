"""TLS by configuration, and certificates that are replaced while the server runs."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.certificates import make_certificate, read_certificate, served_certificate

from .supervised import SECONDS, Supervised, start

pytestmark = pytest.mark.feature("AP6")

CONFIG = 'certfile = "tls.pem"\nkeyfile = "tls.key"\n'


@asynccontextmanager
async def serving_tls(folder: Path, workers: int) -> AsyncIterator[Supervised]:
    install(folder, "old")
    options = ("--bind", "127.0.0.1:0", "--workers", str(workers))
    server = Supervised(start(folder, *options, config=CONFIG), folder, ("", 0))
    try:
        said = await server.said(r"Running on https://[\d.]+:\d+")
        host, _, port = said.rpartition("/")[2].rpartition(":")
        server.address = (host, int(port))
        yield server
    finally:
        server.process.terminate()
        await server.ended()


def install(folder: Path, name: str) -> bytes:
    """Make a certificate and put it where the server looks; return it."""
    certificate, key, _ = make_certificate(folder, name)
    certificate.rename(folder / "tls.pem")
    key.rename(folder / "tls.key")
    return read_certificate(folder / "tls.pem")


async def shown(server: Supervised) -> bytes:
    return await asyncio.to_thread(served_certificate, server.address)


def client(server: Supervised) -> httpx.AsyncClient:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = server.url.replace("http:", "https:")
    return httpx.AsyncClient(base_url=url, verify=context, timeout=SECONDS, trust_env=False)


@pytest.mark.parametrize("workers", [1, 2])
async def test_new_connections_get_a_new_certificate_and_old_ones_live_on(
    workers: int, tmp_path: Path
) -> None:
    async with serving_tls(tmp_path, workers) as server, client(server) as session:
        old = read_certificate(tmp_path / "tls.pem")
        assert await shown(server) == old
        under_way = asyncio.create_task(session.get("/slow?name=one&seconds=2"))
        await server.file("slow-one")

        new = install(tmp_path, "new")
        server.signal(signal.SIGHUP)
        async with asyncio.timeout(SECONDS):
            while await shown(server) != new:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)
        assert (await under_way).text == "late but fine"


async def test_a_certificate_that_cannot_be_used_is_reported_and_the_old_one_stays(
    tmp_path: Path,
) -> None:
    async with serving_tls(tmp_path, 1) as server, client(server) as session:
        old = await shown(server)
        first = (await session.get("/")).text
        (tmp_path / "tls.key").write_text("no key")
        server.signal(signal.SIGHUP)
        await server.said(r"The old certificate stays: 'tls.pem' cannot be used for TLS: ")
        assert await shown(server) == old
        new = install(tmp_path, "new")
        server.signal(signal.SIGHUP)
        await server.said("New connections get the new certificate")
        assert await shown(server) == new
        assert (await session.get("/")).text == first  # the same process, on the same connection


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("config", "message"),
    [
        (CONFIG, "'tls.pem' cannot be used for TLS: No such file or directory. Name a PEM file"),
        ('certfile = "tls.pem"', "'tls.pem' cannot be used for TLS: 'keyfile' is not set."),
    ],
)
async def test_a_start_without_a_usable_certificate_is_refused(
    config: str, message: str, workers: int, tmp_path: Path
) -> None:
    process = start(tmp_path, "--bind", "127.0.0.1:0", "--workers", str(workers), config=config)

    assert await asyncio.to_thread(process.wait, SECONDS) == 1
    log = (tmp_path / "log").read_text()
    assert log.count(message) == 1
    assert "Traceback" not in log


async def test_a_hangup_without_a_certificate_ends_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "--bind", "127.0.0.1:0")
    server = Supervised(process, tmp_path, ("", 0))
    try:
        await server.said("Running on http")
        server.signal(signal.SIGHUP)
        await server.said("There is no certificate to read again")
        server.signal(signal.SIGUSR1)  # log files are opened again
    finally:
        process.terminate()
    assert await server.ended() == 0
