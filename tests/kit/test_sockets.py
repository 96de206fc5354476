"""The hub: rooms, events, and catching up."""

from __future__ import annotations

import pytest

from tests.kit.sockets_app import Client, connected, make_app


@pytest.mark.feature("WS3")
async def test_an_event_reaches_the_room_and_nobody_else() -> None:
    app, hub = make_app()
    async with (
        app.test_app(),
        app.app_context(),
        connected(app, "Ada") as ada,
        connected(app, "Bob") as bob,
    ):
        await ada.subscribe("order:1")
        await bob.subscribe("order:2")
        sent = await hub.publish("order:1", "order.moved", {"state": "paid"})
        await hub.publish("order:2", "order.moved", {"state": "new"})

        assert await ada.next() == {
            "type": "event",
            "room": "order:1",
            "id": sent,
            "name": "order.moved",
            "data": {"state": "paid"},
        }
        assert (await bob.next())["data"] == {"state": "new"}


async def test_who_comes_back_gets_what_was_missed() -> None:
    app, hub = make_app()
    async with app.test_app(), app.app_context():
        async with connected(app) as ada:
            await ada.subscribe("open")
            last = await hub.publish("open", "n", 1)
            await ada.next()
        ids = [await hub.publish("open", "n", number) for number in (2, 3)]
        async with connected(app) as ada:
            heard = await ada.subscribe("open", since=last)
            assert [message["type"] for message in heard] == ["event", "event", "subscribed"]
            assert [message["data"] for message in heard[:2]] == [2, 3]
            assert heard[2] == {"type": "subscribed", "room": "open", "at": ids[1], "replayed": 2}


async def test_nobody_in_particular_is_not_signed_in() -> None:
    app, _ = make_app()
    async with app.test_app(), app.test_client().websocket("/ws") as connection:
        assert await Client(connection).close_code() == 4401


async def test_presence() -> None:
    app, _ = make_app()
    async with app.test_app(), connected(app, "Ada") as ada:
        await ada.subscribe("open")
        assert [p["name"] for p in (await ada.presence())["here"]] == ["Ada"]
        async with connected(app, "Bob") as bob:
            await bob.subscribe("open", doing="editing")
            here = (await ada.presence())["here"]
            assert here[1] == {"id": "bob", "name": "Bob", "doing": "editing"}
        assert [p["name"] for p in (await ada.presence())["here"]] == ["Ada"]


async def test_say_and_ping() -> None:
    app, _ = make_app()
    async with app.test_app(), connected(app) as ada:
        await ada.send("ping")
        assert await ada.next() == {"type": "pong"}
        await ada.subscribe("open")
        await ada.send("say", room="open", text="hello")
        said = await ada.next()
        assert (said["name"], said["data"]) == (
            "said",
            {"by": {"id": "ada", "name": "Ada"}, "text": "hello"},
        )
