"""The client of programs on a real hub, over a network that breaks."""

from __future__ import annotations

import asyncio
import random
from typing import cast

import pytest

from quarterdeck.app import Quart
from quarterdeck.sockets import client
from quarterdeck.sockets.client import Client, Event
from tests.kit.serving_app import served

from .app import make_app
from .proxies import Proxy

pytestmark = pytest.mark.feature("WS3")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck.sockets.client.client.BASE_DELAY", 0.001)
    monkeypatch.setattr("quarterdeck.sockets.client.client.MAX_DELAY", 0.01)


async def next_event(source: Client) -> Event:
    """Pass over who is there; a gap is none of what these tests expect."""
    async with asyncio.timeout(20):
        while not isinstance(happening := await anext(source), Event):
            assert isinstance(happening, client.Presence)
    return happening


async def test_every_event_once_and_in_order_over_a_line_that_is_cut_again_and_again() -> None:
    app, hub = make_app(Quart)
    chance = random.Random(6)  # noqa: S311 - the same cuts each time
    published: list[str] = []
    async with served(cast(Quart, app)) as (address, _stop):
        proxy = Proxy(address[1])
        await proxy.open()
        async with Client(f"ws://127.0.0.1:{proxy.port}/ws?as=Ada") as source:
            for room in ("open", "order:1"):
                await source.subscribe(room)
            for _ in range(20):
                if chance.random() < 0.5:
                    await source.ping()  # so that it is cut while it listens, and while it does not
                for _ in range(chance.randrange(20)):
                    room = chance.choice(("open", "order:1"))
                    async with app.app_context():
                        published.append(await hub.publish(room, "n", len(published)))
                for _ in range(chance.randrange(30)):
                    await asyncio.sleep(0)
                await proxy.cut()
                await proxy.open()
            heard = [await next_event(source) for _ in published]
        await proxy.cut()

    for room in ("open", "order:1"):
        numbers = [event.data for event in heard if event.room == room]
        assert numbers == sorted(numbers)
    assert sorted(event.data for event in heard) == list(range(len(published)))
    assert {event.id for event in heard} == set(published)


async def test_whoever_reads_too_slowly_is_sent_away_and_still_gets_everything() -> None:
    app, hub = make_app(Quart, SOCKETS_QUEUE_SIZE=10)
    count, filler = 300, "x" * 60_000
    async with served(cast(Quart, app)) as (address, _stop):
        url = f"ws://127.0.0.1:{address[1]}/ws?as=Ada"
        async with Client(url, queue_size=5) as source, app.app_context():
            await source.subscribe("open")
            for number in range(count):
                await hub.publish("open", "n", [number, filler])
                await asyncio.sleep(0)
            assert [(await next_event(source)).data[0] for _ in range(count)] == list(range(count))
            assert hub.statistics()["fell_behind"] >= 1
