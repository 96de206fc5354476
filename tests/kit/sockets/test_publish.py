"""Events from views, services in a transaction, background tasks and commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
import pytest
from quart import Quart

from quarterdeck.commands import Commands
from quarterdeck.exceptions import NotAwaitedError, UnknownRoomError
from quarterdeck.sockets import Event, Hub
from tests import databases
from tests.kit.sockets.app import Client, connected, make_app
from tests.kit.sqlalchemy_app import User, db


class MindChanged(Exception):
    """What ends a block early."""


@pytest.fixture
def made(tmp_path: Path) -> tuple[Quart, Hub]:
    app, hub = make_app(SQLALCHEMY_DATABASE_URI=databases.uri(tmp_path))
    db.init_app(app)

    @app.post("/tell")
    async def tell() -> str:
        return await hub.publish("open", "told", "by a view")

    return app, hub


@pytest.fixture
def hub(made: tuple[Quart, Hub]) -> Hub:
    return made[1]


@pytest.fixture
def app(made: tuple[Quart, Hub]) -> Quart:
    return made[0]


@pytest.fixture
async def ada(app: Quart) -> AsyncIterator[Client]:
    """Somebody who listens in the room ``open``."""
    async with app.test_app(), app.app_context():
        await db.create_all()
        async with connected(app) as client:
            await client.subscribe("open")
            yield client


async def heard(client: Client) -> list[Any]:
    """Everything that has come so far."""
    await client.send("ping")
    found = []
    while (message := await client.next())["type"] != "pong":
        found.append(message["data"])
    return found


async def test_from_a_view(app: Quart, hub: Hub, ada: Client) -> None:
    sent = await (await app.test_client().post("/tell")).get_data(as_text=True)
    event = await ada.next()
    assert (event["id"], event["data"]) == (sent, "by a view")


async def add(hub: Hub, name: str) -> None:
    """A service: it changes a row and says so, once that is true."""
    session = db.session
    session.add(User(name=name))
    hub.publish_after(session, "open", "user.added", {"name": name})
    await session.flush()


async def test_from_a_transaction_after_its_commit(hub: Hub, ada: Client) -> None:
    async with db.transaction():
        await add(hub, "Grace")
        await add(hub, "Linus")
        assert await heard(ada) == []
    assert await heard(ada) == [{"name": "Grace"}, {"name": "Linus"}]


async def test_nothing_from_one_that_is_rolled_back(hub: Hub, ada: Client) -> None:
    async def change_mind() -> None:
        async with db.transaction():
            await add(hub, "Grace")
            raise MindChanged

    with pytest.raises(MindChanged):
        await change_mind()
    async with db.transaction():
        await add(hub, "Linus")
    assert await heard(ada) == [{"name": "Linus"}]


async def test_nothing_from_a_savepoint_that_is_rolled_back(hub: Hub, ada: Client) -> None:
    async def change_mind() -> None:
        async with db.transaction():
            await add(hub, "Linus")
            raise MindChanged

    async with db.transaction():
        await add(hub, "Grace")
        with pytest.raises(MindChanged):
            await change_mind()
        await add(hub, "Ada")
    assert await heard(ada) == [{"name": "Grace"}, {"name": "Ada"}]


async def test_the_data_are_those_of_the_call(hub: Hub, ada: Client) -> None:
    data = {"state": "paid"}
    async with db.transaction() as session:
        hub.publish_after(session, "open", "n", data)
        data["state"] = "new"
    assert await heard(ada) == [{"state": "paid"}]


async def test_what_cannot_be_sent_is_an_error_before_the_commit(hub: Hub, ada: Client) -> None:
    async def add_and_fail() -> None:
        async with db.transaction() as session:
            session.add(User(name="Grace"))
            hub.publish_after(session, "open", "n", {"what": object()})

    with pytest.raises(TypeError):
        await add_and_fail()
    assert await db.session.get(User, 1) is None


async def test_from_a_background_task(app: Quart, hub: Hub, ada: Client) -> None:
    async def work() -> None:
        await hub.publish("open", "n", "done")

    app.add_background_task(work)
    assert (await ada.next())["data"] == "done"


def test_from_a_command(app: Quart, hub: Hub) -> None:
    """It publishes and does not listen; what it has opened is closed at its end."""
    Commands(app)
    sent: list[Event] = []
    stopped = asyncio.Event()
    backend = app.extensions["sockets"].backend

    async def publish(event: Event) -> str:
        sent.append(event)
        return "1-1"

    async def stop() -> None:
        stopped.set()

    backend.publish, backend.stop = publish, stop

    @app.cli.command()
    async def tell() -> None:
        click.echo(await hub.publish("open", "n", 1))

    result = app.test_cli_runner().invoke(args=["tell"])
    assert result.output == "1-1\n"
    assert [(event.room, event.name) for event in sent] == [("open", "n")]
    assert stopped.is_set()


async def test_a_room_that_nobody_could_enter(app: Quart, hub: Hub, ada: Client) -> None:
    for room in ("ordres", "", "user:ada", "order:x"):
        with pytest.raises(UnknownRoomError, match=f"'{room}' is in no pattern"):
            await hub.publish(room, "n", 1)
        with pytest.raises(UnknownRoomError):
            hub.publish_after(db.session, room, "n", 1)


async def test_the_order_of_a_room_is_the_same_for_everybody(
    app: Quart, hub: Hub, ada: Client
) -> None:
    async with connected(app, "Bob") as bob:
        await bob.subscribe("open")
        await asyncio.gather(*(hub.publish("open", "n", number) for number in range(100)))
        first = [(m["id"], m["data"]) for m in await ada.events(100)]
        second = [(m["id"], m["data"]) for m in await bob.events(100)]
    assert first == second
    assert sorted(data for _, data in first) == list(range(100))


FORGOTTEN = {
    "publish": ("open", "told", 1),
    "publish_to": ("ada", "told", 1),
    "disconnect": ("ada",),
    "reconsider": ("ada",),
}


@pytest.mark.parametrize("name", FORGOTTEN)
async def test_a_call_without_await_is_an_error(
    made: tuple[Quart, Hub], ada: Client, name: str
) -> None:
    app, hub = made
    match = rf"'hub\.{name}\(\)' at .*test_publish\.py:\d+ did nothing"
    with pytest.raises(NotAwaitedError, match=match):
        async with app.app_context():
            getattr(hub, name)(*FORGOTTEN[name])
    assert await heard(ada) == []
