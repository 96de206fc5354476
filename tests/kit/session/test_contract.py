"""What every store must do, told to each of them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from quarterdeck.session import Entry, Session, SessionStore
from quarterdeck.session.config import STATE
from quarterdeck.session.sqlalchemy import SQLAlchemyStore, session_table

from .conftest import STORES

KEY = "test:" + "a" * 64
OTHER = "test:" + "b" * 64


def entry(payload: bytes = b"one", owner: str | None = None, seconds: float = 60) -> Entry:
    return Entry(payload, time.time() + seconds, owner)


@pytest.fixture(params=STORES)
def store_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def store(store_config: dict[str, Any]) -> AsyncIterator[SessionStore]:
    app = Quart(__name__)
    app.config.update(store_config)
    Session(app)
    manager = STATE.get(app).manager
    assert manager is not None
    yield manager.store
    await manager.store.delete(KEY)
    await manager.store.delete(OTHER)
    await manager.store.aclose()


async def test_read_absent(store: SessionStore) -> None:
    assert await store.read(KEY) is None


@pytest.mark.parametrize("payload", [b"x", bytes(range(256)), b"p" * 200_000])
async def test_create_and_read(store: SessionStore, payload: bytes) -> None:
    await store.create(KEY, entry(payload))
    row = await store.read(KEY)
    assert row is not None
    assert row.payload == payload
    assert await store.read(OTHER) is None


async def test_replace_what_was_read(store: SessionStore) -> None:
    await store.create(KEY, entry())
    row = await store.read(KEY)
    assert row is not None
    assert await store.replace(KEY, entry(b"two"), row.version)
    changed = await store.read(KEY)
    assert changed is not None
    assert changed.payload == b"two"
    assert await store.replace(KEY, entry(b"three"), changed.version)


async def test_replace_refused_after_another_write(store: SessionStore) -> None:
    await store.create(KEY, entry())
    row = await store.read(KEY)
    assert row is not None
    assert await store.replace(KEY, entry(b"faster"), row.version)
    assert not await store.replace(KEY, entry(b"slower"), row.version)
    kept = await store.read(KEY)
    assert kept is not None
    assert kept.payload == b"faster"


async def test_only_one_of_many_replaces(store: SessionStore) -> None:
    await store.create(KEY, entry())
    row = await store.read(KEY)
    assert row is not None
    done = await asyncio.gather(
        *(store.replace(KEY, entry(b"%d" % number), row.version) for number in range(8))
    )
    assert sorted(done) == [False] * 7 + [True]
    kept = await store.read(KEY)
    assert kept is not None
    assert kept.payload == b"%d" % done.index(True)


@pytest.mark.hazard("logout undone by a concurrent request")
async def test_replace_does_not_bring_back(store: SessionStore) -> None:
    await store.create(KEY, entry())
    row = await store.read(KEY)
    assert row is not None
    assert await store.delete(KEY)
    assert not await store.replace(KEY, entry(b"two"), row.version)
    assert await store.read(KEY) is None


async def test_delete_says_whether_it_was_there(store: SessionStore) -> None:
    await store.create(KEY, entry())
    assert await store.delete(KEY)
    assert not await store.delete(KEY)


@pytest.mark.parametrize(
    "store_name", [name for name in STORES if name not in {"memcached", "cachelib"}]
)
async def test_find_by_owner(store: SessionStore) -> None:
    mine = uuid.uuid4().hex  # other tests leave rows in the same store
    assert await store.find(mine) == []
    await store.create(KEY, entry(b"first", owner=mine))
    await store.create(OTHER, entry(b"anonymous"))
    row = await store.read(OTHER)
    assert row is not None
    assert await store.find(mine) == [(KEY, b"first")]
    assert await store.replace(OTHER, entry(b"signed in", owner=mine), row.version)
    assert sorted(await store.find(mine)) == sorted([(KEY, b"first"), (OTHER, b"signed in")])
    await store.delete(KEY)
    assert await store.find(mine) == [(OTHER, b"signed in")]
    assert await store.find(mine[:-1]) == []


async def test_expired_rows_go_away(store: SessionStore) -> None:
    await store.create(KEY, entry(seconds=1))
    await store.create(OTHER, entry())
    async with asyncio.timeout(30):
        while await store.read(KEY):
            await asyncio.sleep(0.2)
            await store.clean_up()
    assert await store.read(OTHER) is not None


async def test_opens_again_after_closing(store: SessionStore) -> None:
    await store.create(KEY, entry())
    await store.aclose()
    assert await store.read(KEY) is not None


async def test_which_of_many_exist(store: SessionStore) -> None:
    await store.create(KEY, entry())
    assert await store.existing({KEY, OTHER}) == {KEY}
    await store.delete(KEY)
    assert await store.existing({KEY, OTHER}) == set()


async def test_an_expired_row_does_not_exist(store: SessionStore) -> None:
    """Also where it is still there, waiting to be cleaned up."""
    await store.create(KEY, entry(seconds=0.01))
    async with asyncio.timeout(30):  # some count in whole seconds
        while await store.existing({KEY}):  # noqa: ASYNC110 - the clock is what we wait for
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("store_name", ["sqlite", "mariadb", "postgresql"])
async def test_processes_that_make_the_table_at_once(store_config: dict[str, Any]) -> None:
    url = store_config["SESSION_SQLALCHEMY"].url.render_as_string(hide_password=False)
    table = session_table(MetaData(), f"s{uuid.uuid4().hex[:8]}")
    engines = [create_async_engine(url) for _ in range(6)]
    stores = [SQLAlchemyStore(engine, table, create=True) for engine in engines]
    try:
        assert await asyncio.gather(*(store.read("none") for store in stores)) == [None] * 6
    finally:
        for engine in engines:
            await engine.dispose()
