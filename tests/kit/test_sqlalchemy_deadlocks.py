"""Real deadlocks through each driver: told, or done anew where that was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from quart import Quart

from quarterdeck.exceptions import TransactionConflictError
from quarterdeck.sqlalchemy import Session
from tests.servers import Server

from .sqlalchemy_app import User, add_users, db, make_app

pytestmark = [
    pytest.mark.feature("D6", "D7"),
    pytest.mark.external_service("MariaDB", "PostgreSQL"),
    pytest.mark.parametrize("driver", ["aiomysql", "asyncmy", "asyncpg"]),
]


@pytest.fixture(name="built")
def _built(request: pytest.FixtureRequest, driver: str, tmp_path: Path) -> Quart:
    """An app, made outside the event loop as servers do: importing a driver reads files."""
    is_postgresql = driver == "asyncpg"
    scheme, user = ("postgresql", "postgres") if is_postgresql else ("mysql", "root")
    server: Server = request.getfixturevalue("postgres" if is_postgresql else "maria")
    uri = f"{scheme}+{driver}://{user}@127.0.0.1:{server.port}/t_{uuid4().hex}"
    return make_app(tmp_path, SQLALCHEMY_DATABASE_URI=uri)


@pytest.fixture(name="app")
async def _app(built: Quart) -> AsyncIterator[Quart]:
    async with built.test_app(), built.app_context():
        await db.create_all()
        await add_users("Ada", "Grace")
        yield built


class Crossing:
    """Two transactions that lock two rows in opposite order, and meet the first time.

    Attributes:
        calls: How often the work was begun.
    """

    def __init__(self, app: Quart, *, in_savepoint: bool = False) -> None:
        self.calls = 0
        self._app = app
        self._in_savepoint = in_savepoint
        self._meeting = asyncio.Barrier(2)

    async def raise_both(self, session: Session, *names: str) -> None:
        self.calls += 1
        first, second = names
        await self._raise(session, first)
        if self.calls <= 2:
            await self._meeting.wait()
        if self._in_savepoint:
            async with session.begin_nested():
                await self._raise(session, second)
        else:
            await self._raise(session, second)

    async def _raise(self, session: Session, name: str) -> None:
        user = await User.query.with_session(session).filter_by(name=name).with_for_update().one()
        user.balance += 1
        await session.flush()

    async def run(self) -> list[Any]:
        """Let them meet; return what became of each."""
        ways = [("Ada", "Grace"), ("Grace", "Ada")]
        return await asyncio.gather(*(self._go(*way) for way in ways), return_exceptions=True)

    async def _go(self, *names: str) -> None:
        raise NotImplementedError


class Told(Crossing):
    async def _go(self, *names: str) -> None:
        async with self._app.app_context(), db.transaction() as session:
            await self.raise_both(session, *names)


class DoneAnew(Crossing):
    async def _go(self, *names: str) -> None:
        async with self._app.app_context():
            await db.run(lambda session: self.raise_both(session, *names))


async def balances() -> set[int]:
    async with db.new_session() as session:
        return {user.balance for user in await User.query.with_session(session).all()}


@pytest.mark.parametrize("in_savepoint", [False, True])
async def test_one_of_two_is_told_and_the_other_is_done(app: Quart, in_savepoint: bool) -> None:
    crossing = Told(app, in_savepoint=in_savepoint)
    errors = [error for error in await crossing.run() if error is not None]
    assert [type(error) for error in errors] == [TransactionConflictError]
    assert crossing.calls == 2
    assert await balances() == {1}


@pytest.mark.parametrize("in_savepoint", [False, True])
@pytest.mark.hazard("deadlock")
async def test_declared_work_is_done_anew(app: Quart, in_savepoint: bool) -> None:
    crossing = DoneAnew(app, in_savepoint=in_savepoint)
    assert await crossing.run() == [None, None]
    assert crossing.calls == 3
    assert await balances() == {2}


async def test_the_pool_is_whole_afterwards(app: Quart) -> None:
    await Told(app).run()
    await db.session.remove()
    pool: Any = db.engine.pool
    assert pool.checkedout() == 0
