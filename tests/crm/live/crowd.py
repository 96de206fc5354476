"""Many WebSockets at once, in a process of its own without the debug mode of the tests.

``crowd.py TOKEN SOCKETS EVENTS URL...``: one socket on each URL enters all rooms and says its
part of the events; each of the others enters one room. Prints what every one heard, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect

ROOMS = ("orders", "team", "deals", "tasks")  # in which what is said is not kept
EVENT = '{"type":"event",'


async def enter(connection: ClientConnection, rooms: Sequence[str]) -> None:
    """Subscribe to rooms."""
    for room in rooms:
        await connection.send(json.dumps({"type": "subscribe", "room": room}))
    entered = 0
    while entered < len(rooms):
        entered += '"subscribed"' in str(await connection.recv())


async def talk(connection: ClientConnection, numbers: range) -> None:
    """Say a number at a time, in one room after the other."""
    for number in numbers:
        room = ROOMS[number % len(ROOMS)]
        await connection.send(json.dumps({"type": "say", "room": room, "text": str(number)}))


async def collect(connection: ClientConnection, count: int) -> list[str]:
    """Return so many events as they came, and what comes within a second after them."""
    events: list[str] = []
    while True:
        try:
            async with asyncio.timeout(60 if len(events) < count else 1):
                message = str(await connection.recv())
        except TimeoutError:
            return events
        if message.startswith(EVENT):
            events.append(message)


async def main(token: str, sockets: int, events: int, urls: list[str]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with AsyncExitStack() as stack:
        crowd: list[ClientConnection] = []
        for number in range(sockets):
            opening = connect(
                urls[number % len(urls)],
                additional_headers=headers,
                compression=None,
                ping_interval=None,
            )
            crowd.append(await stack.enter_async_context(opening))
            talks = number < len(urls)
            await enter(crowd[-1], ROOMS if talks else [ROOMS[number % len(ROOMS)]])
        listening = [
            collect(each, events if number < len(urls) else events // len(ROOMS))
            for number, each in enumerate(crowd)
        ]
        talking = [talk(crowd[n], range(n, events, len(urls))) for n in range(len(urls))]
        *heard, _ = await asyncio.gather(*listening, asyncio.gather(*talking))
    sys.stdout.write(json.dumps(heard))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
