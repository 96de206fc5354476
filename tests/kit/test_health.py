"""Health: each dependency with a time limit, and 503 while the server drains."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from quarterdeck.app import Quart
from quarterdeck.exceptions import ExtensionAlreadyInitializedError
from quarterdeck.health import Health
from quarterdeck.sockets import Hub
from quarterdeck.sqlalchemy import SQLAlchemy

from .supervised import Supervised, supervised

pytestmark = pytest.mark.feature("AP6")


@pytest.fixture
def app() -> Quart:
    app = Quart("tests")
    app.config.update(
        HEALTH_TIMEOUT_SECONDS=1.0,
        SQLALCHEMY_DATABASE_URI="sqlite:///:memory:",
        SQLALCHEMY_BINDS={"log": "sqlite:///:memory:"},
    )
    health = Health(app)
    SQLAlchemy(app)
    Hub(app)
    app.add_url_rule("/ready", "ready", health.ready)
    app.add_url_rule("/live", "live", health.live)
    return app


async def ask(app: Quart, path: str = "/ready") -> tuple[int, Any]:
    response = await app.test_client().get(path)
    return response.status_code, await response.get_json()


async def test_the_rooms_are_asked(app: Quart) -> None:
    status, document = await ask(app)
    assert (status, document["status"]) == (200, "ready")
    assert document["checks"].keys() == {"database", "database:log", "live"}
    assert all(each["status"] == "up" for each in document["checks"].values())
    assert all(0 <= each["seconds"] < 5 for each in document["checks"].values())


async def _refuse() -> None:
    raise OSError("connect to mysql://crm:s3cret@db refused")


async def _sleep() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("check", [_refuse, _sleep])
async def test_one_that_fails_or_hangs_is_named(
    app: Quart, check: Callable[[], Awaitable[None]]
) -> None:
    health = app.extensions["health"]
    health.check(app, "stock")(check)
    health.check(app, "again")(check)

    status, document = await ask(app)

    assert status == 503
    assert document["status"] == "unavailable"
    assert document["down"] == ["stock", "again"]
    assert document["checks"]["database"]["status"] == "up"
    assert "s3cret" not in str(document)
    assert await ask(app, "/live") == (200, {"status": "live"})


async def test_an_outage_has_one_traceback(app: Quart, caplog: pytest.LogCaptureFixture) -> None:
    is_down = True

    async def ask_stock() -> None:
        if is_down:
            await _refuse()

    app.extensions["health"].check(app, "stock")(ask_stock)
    await ask(app)
    await ask(app)
    assert caplog.text.count("The dependency 'stock' does not work: connect") == 1
    assert caplog.text.count("Traceback") == 1
    is_down = False
    assert (await ask(app))[0] == 200
    is_down = True
    await ask(app)
    assert caplog.text.count("Traceback") == 2


def test_a_second_one_is_refused(app: Quart) -> None:
    with pytest.raises(ExtensionAlreadyInitializedError):
        Health(app)


APP = """
import os
from quart import Quart
from quarterdeck.health import Health

app = Quart(__name__)
health = Health(app)
app.add_url_rule("/ready", "ready", health.ready)


@app.get("/")
async def index():
    return f"{os.getpid()} one"
"""


async def status_of(server: Supervised) -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{server.url}/ready")
    return response.status_code, response.json()["status"]


@pytest.mark.timeout(180)
async def test_a_host_that_stops_is_not_ready_but_serves(tmp_path: Path) -> None:
    """A reload is no such stop: another worker serves on."""
    (tmp_path / "app.py").write_text(APP)
    async with supervised(tmp_path, config="drain_delay = 2", workers=2) as server:
        old = await server.workers(2)
        server.signal(signal.SIGHUP)
        while old & await server.workers(2):
            assert await status_of(server) == (200, "ready")

        server.signal(signal.SIGTERM)
        while await status_of(server) == (200, "ready"):
            pass
        for _ in range(4):
            assert await status_of(server) == (503, "draining")
            assert await server.get()
        assert await server.ended() == 0
