"""The memory storage: its bound, and the entries that it drops."""

from __future__ import annotations

import tracemalloc

from quarterdeck.security.limits.memory import BoundedMemoryStorage
from tests.kit.conftest import Advance


async def test_a_flood_of_clients_fills_a_bounded_memory() -> None:
    storage = BoundedMemoryStorage(1_000)
    for n in range(1_000):
        await storage.incr(f"first {n}", 60)
    tracemalloc.start()
    try:
        for n in range(20_000):
            await storage.incr(f"client {n}", 60)
            await storage.acquire_entry(f"moving {n % 50}", 5, 60)
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert grown < 1_000 * 500
    assert await storage.get("client 19999") == 1


async def test_the_entries_that_expire_first_are_dropped_first() -> None:
    storage = BoundedMemoryStorage(3)
    for key, expiry in (("day", 86_400), ("minute", 60), ("hour", 3_600), ("second", 1)):
        await storage.incr(key, expiry)

    assert [await storage.get(key) for key in ("day", "minute", "hour", "second")] == [1, 0, 1, 1]


async def test_expired_entries_make_room(advance: Advance) -> None:
    storage = BoundedMemoryStorage(3)
    await storage.incr("day", 86_400)
    await storage.acquire_entry("moving", 5, 60)
    advance(61)
    for _ in range(9):
        await storage.incr("new", 600)

    assert await storage.get("day") == 1
    assert await storage.get("new") == 9
    assert await storage.reset() == 2


async def test_clearing_does_not_let_the_bookkeeping_grow() -> None:
    storage = BoundedMemoryStorage(10)
    for _ in range(1_000):
        await storage.incr("ada", 86_400)
        await storage.acquire_entry("ben", 5, 86_400)
        await storage.clear("ada")
        await storage.clear("ben")

    assert await storage.get("ada") == 0
    assert await storage.get_moving_window("ben", 5, 86_400) != (0, 1)
    assert await storage.acquire_entry("ben", 1, 86_400)
    assert await storage.reset() == 2


async def test_a_moving_entry_lives_as_long_as_its_last_request(advance: Advance) -> None:
    storage = BoundedMemoryStorage(100)
    assert await storage.acquire_entry("ada", 2, 60)
    advance(50)
    assert await storage.acquire_entry("ada", 2, 60)
    advance(20)
    await storage.incr("other", 60)

    assert (await storage.get_moving_window("ada", 2, 60))[1] == 1
