"""Two apps with a hub each, as two processes are, on one Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from quart import Quart

from quarterdeck.sockets import Hub, Member

from .app import connected, make_app

pytestmark = pytest.mark.feature("WS3")

Site = tuple[Quart, Hub]


async def serving(url: str, prefix: str) -> AsyncIterator[Site]:
    app, hub = make_app(
        SOCKETS_BACKEND="redis",
        SOCKETS_REDIS=url,
        SOCKETS_REDIS_PREFIX=prefix,
        SOCKETS_REDIS_TIMEOUT_SECONDS=10,
    )
    async with app.test_app():
        yield app, hub


one = pytest.fixture(serving, name="one")
other = pytest.fixture(serving, name="other")


async def test_an_event_reaches_the_room_everywhere(one: Site, other: Site) -> None:
    async with connected(one[0], "Ada") as ada, connected(other[0], "Bob") as bob:
        for each in (ada, bob):
            await each.subscribe("open")
        async with one[0].app_context():
            sent = await one[1].publish("open", "n", {"deep": ["data"]})

        told = [await each.next() for each in (ada, bob)]

    assert told[0] == told[1]
    assert told[0]["id"] == sent
    assert told[0]["data"] == {"deep": ["data"]}


async def test_one_person_is_told_everywhere(one: Site, other: Site) -> None:
    async with connected(other[0], "Ada") as ada, connected(other[0], "Bob") as bob:
        for each in (ada, bob):
            await each.subscribe("open")
        async with one[0].app_context():
            await one[1].publish_to("ada", "n", "for Ada")
            await one[1].publish("open", "n", "for all")

        assert (await ada.next())["data"] == "for Ada"
        assert (await bob.next())["data"] == "for all"


async def test_a_client_comes_back_to_another_process(one: Site, other: Site) -> None:
    async with one[0].app_context():
        first, *later = [await one[1].publish("open", "n", number) for number in range(4)]

        async with connected(other[0], "Ada") as ada:
            heard = await ada.subscribe("open", since=first)

    assert [message["id"] for message in heard[:3]] == later
    assert heard[3]["replayed"] == 3


async def test_a_client_that_has_seen_more_than_its_new_process(one: Site, other: Site) -> None:
    """The process waits until it knows as much, instead of saying that there is a gap."""
    async with one[0].app_context(), connected(other[0], "Ada") as ada:
        for number in range(20):
            newest = await one[1].publish("open", "n", number)
            heard = await ada.subscribe("open", since=newest)
            assert "gap" not in {message["type"] for message in heard}


async def test_disconnecting_reaches_all_processes(one: Site, other: Site) -> None:
    async with connected(other[0], "Ada") as ada, connected(other[0], "Bob") as bob:
        for each in (ada, bob):
            await each.subscribe("open")
        async with one[0].app_context():
            await one[1].disconnect("ada")

        assert await ada.close_code() == 4401
        await bob.send("ping")
        assert (await bob.next())["type"] == "pong"


async def test_reconsidering_reaches_all_processes(one: Site, other: Site) -> None:
    allowed = {"Ada"}

    @other[1].room("bridge")
    async def may_enter(member: Member) -> bool:
        return member.name in allowed

    async with connected(other[0], "Ada") as ada:
        await ada.subscribe("bridge")
        allowed.clear()
        async with one[0].app_context():
            await one[1].reconsider("ada")

        assert (await ada.next())["code"] == "not_allowed"


async def test_presence_is_of_all_processes(one: Site, other: Site) -> None:
    async with connected(one[0], "Ada") as ada:
        await ada.subscribe("open")
        async with connected(other[0], "Bob") as bob:
            await bob.subscribe("open", doing="editing")
            for each in (ada, bob):
                async with asyncio.timeout(20):
                    while len((here := await each.presence())["here"]) < 2:
                        pass
                assert [(p["name"], p["doing"]) for p in here["here"]] == [
                    ("Ada", "looking"),
                    ("Bob", "editing"),
                ]
        async with asyncio.timeout(20):
            while len((await ada.presence())["here"]) > 1:
                pass
