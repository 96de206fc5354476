"""Connections go back to the pool while a request waits for something else than the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, request
from sqlalchemy import func, select, update

from quarterdeck import app as kit
from quarterdeck._state import release_resources
from quarterdeck.app.body import Body
from quarterdeck.login import LoginManager, hash_password
from tests import databases
from tests.wire import connected

from .serving_app import served
from .sqlalchemy_app import PATIENT, User, add_users, db, make_app, sql

POOL_TIMEOUT = 0.5  # seconds: less than five hashes take, more than five short transactions


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_database()
        await db.create_all()
        await add_users("ada", "bob")
        await db.session.close()
        yield app


def in_use() -> int:
    status = db.pool_status()
    assert status is not None
    return status.checked_out


async def test_after_reading_the_connection_is_free_and_objects_stay(app: Quart) -> None:
    ada = await User.query.filter_by(name="ada").first_or_404()
    assert in_use() == 1

    await db.release()

    assert in_use() == 0
    assert ada in db.session
    assert ada.name == "ada"
    ada.balance = 5
    async with db.transaction():
        pass
    assert await db.session.scalar(select(User.balance).filter_by(name="ada")) == 5


async def _flush() -> None:
    db.session.add(User(name="eve"))
    await db.session.flush()


async def _add() -> None:
    db.session.add(User(name="eve"))
    await User.query.count()


CASES: dict[str, Any] = {
    "a new object": _add,
    "a flush": _flush,
    "an update": lambda: db.session.execute(update(User).values(balance=1)),
    "a row lock": lambda: db.session.execute(select(User).with_for_update()),
    "text": lambda: db.session.execute(sql("UPDATE {user} SET balance = 1")),
    "a connection": lambda: db.session.connection(),
}


@pytest.mark.parametrize("work", CASES.values(), ids=CASES)
async def test_what_a_rollback_would_undo_is_not_committed(app: Quart, work: Any) -> None:
    await User.query.count()
    await work()
    await db.release()
    assert in_use() == 1
    await db.session.rollback()

    await User.query.count()
    await db.release()
    assert in_use() == 0, "the next transaction of the session is free again"
    assert await db.session.scalar(select(func.sum(User.balance))) == 0
    assert await User.query.count() == 2


async def test_a_block_keeps_its_connection(app: Quart) -> None:
    async with db.transaction():
        await User.query.count()
        await db.release()
        assert in_use() == 1
    async with db.new_session() as session, session.begin():
        await session.scalar(select(User.id))
        await session.release()
        assert in_use() == 1
    await User.query.count()
    async with db.session.begin_nested():
        await db.release()
        assert in_use() == 1


async def test_a_session_that_is_not_used_is_not_made(app: Quart) -> None:
    await db.release()
    assert in_use() == 0


async def test_another_task_releases_nothing(app: Quart) -> None:
    await User.query.count()
    await asyncio.create_task(db.session.release())
    assert in_use() == 1


async def test_a_task_that_outlived_its_context_releases_nothing(tmp_path: Path) -> None:
    """Such as a task that is begun while the app starts."""
    app = one_connection(tmp_path)
    ended = asyncio.Event()

    async def late() -> None:
        await ended.wait()
        await release_resources()

    async with app.app_context():
        task = asyncio.create_task(late())
    ended.set()
    await task


def one_connection(folder: Path) -> kit.Quart:
    """An app with one connection, on which every request loads a user first."""
    app = kit.Quart("tests", instance_path=str(folder))
    one = {"SQLALCHEMY_POOL_SIZE": 1, "SQLALCHEMY_MAX_OVERFLOW": 0}
    login = {"LOGIN_HASH_TIME_COST": 250, "LOGIN_HASH_MEMORY_COST": 1024, "LOGIN_HASH_WORKERS": 1}
    app.config.update({"SQLALCHEMY_DATABASE_URI": databases.uri(folder)} | PATIENT | one | login)
    app.config["SQLALCHEMY_POOL_TIMEOUT"] = POOL_TIMEOUT
    app.config["SECRET_KEY"] = "x" * 40
    db.init_app(app)
    LoginManager(app)
    app.started = asyncio.Event()  # type: ignore[attr-defined]
    app.watched = asyncio.Event()  # type: ignore[attr-defined]

    @app.before_serving
    async def create() -> None:
        async with app.app_context():
            await db.create_database()
            await db.create_all()

    @app.before_request
    async def load() -> None:
        await User.query.count()

    @app.get("/")
    async def index() -> str:
        return str(in_use())

    @app.post("/<how>")
    async def read(how: str) -> str:
        if how == "late":
            await app.watched.wait()  # type: ignore[attr-defined]
        app.started.set()  # type: ignore[attr-defined]
        if how == "form":
            return str(len(await request.form))
        if how == "json":
            return str(await request.get_json())
        if how == "data":
            return str(len(await request.get_data()))
        return str(len([piece async for piece in request.body]))

    @app.post("/hash")
    async def hash_() -> str:
        await hash_password("secret")
        return "hashed"

    return app


@pytest.mark.feature("D7")
@pytest.mark.parametrize("how", ["form", "json", "data", "pieces", "late"])
async def test_a_body_on_its_way_holds_no_connection(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = one_connection(tmp_path)
    watch = Body.watch

    async def watched(body: Body) -> None:
        app.watched.set()  # type: ignore[attr-defined]
        await watch(body)

    monkeypatch.setattr(Body, "watch", watched)
    kind = b"application/json" if how == "json" else b"application/x-www-form-urlencoded"
    head = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Type: %s\r\n\r\n"
    async with served(app) as (address, _), connected(address) as slow:
        await slow.send(head % (how.encode(), kind))
        await app.started.wait()  # type: ignore[attr-defined]
        async with connected(address) as other:
            await other.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await other.read_head()
            assert other.status == 200
        await slow.send(b'"a=1&b=2"')
        await slow.read_head()
        assert slow.status == 200


async def test_a_password_in_the_queue_holds_no_connection(tmp_path: Path) -> None:
    """Five sign-ins and one connection: each waits for the hasher without it."""
    app = one_connection(tmp_path)
    async with app.test_app():
        client = app.test_client()
        answers = await asyncio.gather(*(client.post("/hash") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_a_body_that_ends_during_the_release_is_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The task that notices disconnects takes the last piece, and then waits for the disconnect."""
    messages: asyncio.Queue[Any] = asyncio.Queue()
    body = Body(None, None)
    asked, taken = asyncio.Event(), asyncio.Event()

    async def receive() -> Any:
        asked.set()
        return await messages.get()

    body.connect(receive, lambda: None)
    take = body.set_complete

    def set_complete() -> None:
        take()
        taken.set()

    async def release() -> None:
        messages.put_nowait({"type": "http.request", "body": b"all"})
        await taken.wait()

    monkeypatch.setattr(body, "set_complete", set_complete)
    watcher = asyncio.create_task(body.watch())
    await asked.wait()
    monkeypatch.setattr("quarterdeck.app.body.release_resources", release)
    async with asyncio.timeout(5):
        assert await body == b"all"
    watcher.cancel()


async def test_a_body_that_has_arrived_releases_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection would have to be taken again at once; a piece on its way releases it."""
    released: list[str] = []
    parts = iter([b"one", b"two"])
    waits = asyncio.Event()

    async def receive() -> Any:
        part = next(parts)
        if part == b"two":
            waits.set()
            await asyncio.sleep(0)
        return {"type": "http.request", "body": part, "more_body": part == b"one"}

    async def release() -> None:
        released.append("before two" if waits.is_set() else "before one")

    monkeypatch.setattr("quarterdeck.app.body.release_resources", release)
    body = Body(None, None)
    body.connect(receive, lambda: None)
    assert await body == b"onetwo"
    assert released == ["before two"]


async def test_a_reader_cancelled_in_the_release_takes_no_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages: asyncio.Queue[Any] = asyncio.Queue()
    releasing, never = asyncio.Event(), asyncio.Event()

    async def release() -> None:
        releasing.set()
        await never.wait()

    monkeypatch.setattr("quarterdeck.app.body.release_resources", release)
    body = Body(None, None)
    body.connect(messages.get, lambda: None)
    reader = asyncio.ensure_future(body)
    await releasing.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    messages.put_nowait({"type": "http.request", "body": b"all"})
    assert await body == b"all"
