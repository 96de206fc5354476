"""The client of MongoDB under pages that are cancelled while its server is away."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

from pymongo.errors import PyMongoError

from quarterdeck.session.mongodb import MongoStore
from tests.servers import Server

READERS = 60
ROUNDS = 4


async def test_cancelled_operations_leave_the_client_whole(
    running: Callable[[str], Server],
) -> None:
    """Pages time out at the moments at which the client itself stops waiting."""
    server = running("mongodb")
    store = MongoStore(
        f"mongodb://127.0.0.1:{server.port}", database="t", collection="s", timeout=1.0
    )
    assert await store.read("key") is None
    server.kill()
    errors: list[BaseException] = []

    async def read() -> None:
        for _ in range(ROUNDS):
            try:
                async with asyncio.timeout(1.0):
                    await store.read("key")
            except Exception as error:
                errors.append(error)

    async def keep_busy() -> None:
        """Let timers of different moments become due together, as on a busy machine."""
        for length in itertools.cycle((0.05, 0.17, 0.29, 0.11, 0.23)):
            until = time.monotonic() + length
            while time.monotonic() < until:
                pass
            await asyncio.sleep(length / 5)

    busy = asyncio.create_task(keep_busy())
    await asyncio.gather(*(read() for _ in range(READERS)))
    busy.cancel()
    await asyncio.to_thread(server.heal)

    assert {type(error) for error in errors if not isinstance(error, PyMongoError)} <= {
        TimeoutError
    }
    async with asyncio.timeout(20):
        while True:
            try:
                await store.read("key")
                break
            except PyMongoError:
                continue
    await store.aclose()
    assert not store.under_way
