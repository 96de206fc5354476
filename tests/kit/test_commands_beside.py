"""A command in a test, beside the app that the test runs: it closes nothing of the app."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from quart import Quart as PlainQuart
from quart import current_app
from sqlalchemy import text

from quarterdeck.app import Quart
from quarterdeck.commands import Commands
from quarterdeck.sockets import Hub, Member
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.testing import TestClient, isolated_database

pytestmark = pytest.mark.feature("C1", "AP5")


@pytest.fixture
def db() -> SQLAlchemy:
    return SQLAlchemy()


@pytest.fixture(params=[PlainQuart, Quart])
def app(request: pytest.FixtureRequest, db: SQLAlchemy, tmp_path: Path) -> PlainQuart:
    app: PlainQuart = request.param(__name__)
    app.secret_key = "only for this test"
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/app.db"
    db.init_app(app)
    Commands(app, expected=(LookupError,))
    hub = Hub(app)

    @hub.identify
    async def identify() -> Member:
        return Member("1", "Ada")

    @hub.room("ships")
    async def may_enter(_member: Member, *_: Any) -> bool:
        return True

    @app.websocket("/ws")
    async def live() -> None:
        await hub.serve()

    @app.cli.command("add")
    @click.argument("name")
    async def add(name: str) -> None:
        async with db.transaction() as session:
            await session.execute(text("INSERT INTO ship VALUES (:name)"), {"name": name})
        await hub.publish("ships", "added", {"name": name})
        click.get_current_context().exit(3 if name == "ghost" else 0)

    @app.cli.command("plain")
    def plain() -> None:
        click.echo(f"{current_app.name} {threading.current_thread() is threading.main_thread()}")

    @app.cli.command("fails")
    async def fails() -> None:
        raise LookupError("no such ship")

    return app


@pytest.fixture
async def running(app: PlainQuart, db: SQLAlchemy) -> AsyncIterator[Any]:
    async with app.test_app() as running:
        async with app.app_context():
            await db.create_database()
            async with db.engine.begin() as connection:
                await connection.exec_driver_sql("CREATE TABLE ship (name TEXT)")
        yield running


async def invoke(app: PlainQuart, *words: str) -> Result:
    return await asyncio.to_thread(app.test_cli_runner().invoke, args=list(words))


async def count(db: SQLAlchemy) -> int:
    async with db.engine.connect() as connection:
        return int((await connection.exec_driver_sql("SELECT COUNT(*) FROM ship")).scalar_one())


async def test_the_hub_goes_on_after_a_command(
    app: PlainQuart, running: Any, db: SQLAlchemy
) -> None:
    client: Any = TestClient(app)
    for number in range(2):
        async with client.websocket("/ws") as socket:
            await socket.send_json({"type": "subscribe", "room": "ships"})
            while (await socket.receive_json())["type"] != "subscribed":
                pass
            result = await invoke(app, "add", f"ship {number}")
            assert (result.exit_code, result.exception) == (0, None), result.output
            while (message := await socket.receive_json())["type"] != "event":
                pass
            assert message["data"] == {"name": f"ship {number}"}
    async with app.app_context():
        assert await count(db) == 2


async def test_commands_share_the_isolated_connection(
    app: PlainQuart, running: Any, db: SQLAlchemy
) -> None:
    async with app.app_context():
        async with isolated_database(db, app):
            assert (await invoke(app, "add", "Endeavour")).exit_code == 0
            assert await count(db) == 1
        assert await count(db) == 0


async def test_codes_errors_and_plain_functions(app: PlainQuart, running: Any) -> None:
    assert (await invoke(app, "add", "ghost")).exit_code == 3
    failed = await invoke(app, "fails")
    assert (failed.exit_code, failed.output) == (1, "Error: no such ship\n")
    plain = await invoke(app, "plain")
    assert plain.output == f"{app.name} False\n"
