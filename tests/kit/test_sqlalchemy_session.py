"""The db session: one per context, one task, closed whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, stream_with_context, websocket
from sqlalchemy import event, text

from quarterdeck.exceptions import SessionSharedError
from quarterdeck.sqlalchemy import Session, scope
from tests import databases

from .sqlalchemy_app import User, add_users, db, make_app


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app():
        async with app.app_context():
            await db.create_all()
        yield app


async def pool_of(app: Quart) -> Any:
    async with app.app_context():
        return db.engine.pool


async def checked_out(app: Quart) -> int:
    return int((await pool_of(app)).checkedout())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the pool has no event to wait for
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["request", "websocket"])
async def test_hooks_before_all_others_share_the_session_of_the_view(app: Quart, kind: str) -> None:
    """Such as the one that loads the user: or each request would hold two connections."""
    seen: list[Any] = []

    async def first() -> None:
        await User.query.count()
        seen.append(db.session)

    async def view() -> str:
        await User.query.count()
        seen.append(db.session)
        assert await checked_out(app) == 1
        return ""

    async def socket() -> None:
        await view()
        await websocket.send("done")

    app.before_request_funcs[None].insert(0, first)
    app.before_websocket_funcs[None].insert(0, first)
    app.add_url_rule("/", view_func=view)
    app.add_websocket("/socket", view_func=socket)
    client = app.test_client()
    if kind == "request":
        assert (await client.get("/")).status_code == 200
    else:
        async with client.websocket("/socket") as connection:
            await connection.receive()
    assert len(seen) == 2
    assert seen[0] is seen[1]


@pytest.mark.feature("D3")
async def test_what_is_not_committed_is_gone_with_the_request(app: Quart) -> None:
    @app.post("/")
    async def add() -> str:
        db.session.add(User(name="Ada"))
        await db.session.flush()
        return str(await User.query.count())

    client = app.test_client()
    assert await (await client.post("/")).get_data(as_text=True) == "1"
    assert await (await client.post("/")).get_data(as_text=True) == "1"


@pytest.mark.feature("D3")
async def test_no_session_is_opened_unless_used(app: Quart) -> None:
    @app.get("/")
    async def plain() -> str:
        return "hello"

    await app.test_client().get("/")
    assert (await pool_of(app)).checkedin() == 1  # that of create_all

    async with app.app_context():
        assert db.session is db.session


@pytest.mark.feature("D3", "X1")
async def test_50_concurrent_requests_have_a_session_each(app: Quart) -> None:
    sessions = set()

    @app.post("/<name>")
    async def add(name: str) -> str:
        sessions.add(db.session)
        async with db.transaction() as session:
            session.add(User(name=name))
            await asyncio.sleep(0)
        return str((await User.query.filter_by(name=name).one()).name)

    client = app.test_client()
    answers = await asyncio.gather(*(client.post(f"/user{n}") for n in range(50)))
    assert [await answer.get_data(as_text=True) for answer in answers] == [
        f"user{n}" for n in range(50)
    ]
    assert len(sessions) == 50
    assert await checked_out(app) == 0


@pytest.mark.feature("D3")
@pytest.mark.hazard("session shared by tasks")
async def test_a_task_started_in_a_view_is_refused(app: Quart) -> None:
    async def count() -> int:
        return await User.query.count()

    @app.get("/")
    async def view() -> str:
        task = asyncio.create_task(count(), name="counter")  # the first to use it, even
        try:
            await task
        except SessionSharedError as error:
            return str(error)
        return "shared"

    text_ = await (await app.test_client().get("/")).get_data(as_text=True)
    assert "'counter'" in text_
    assert "async with db.new_session() as session" in text_


@pytest.mark.hazard("session shared by tasks")
async def test_a_session_handed_to_gather_is_refused(app: Quart) -> None:
    async with app.app_context():
        session = db.session
        await session.execute(text("SELECT 1"))
        results = await asyncio.gather(
            *(session.execute(text("SELECT 1")) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [SessionSharedError] * 3


async def test_adding_from_another_task_is_refused_too(app: Quart) -> None:
    async def add(session: Any) -> None:
        session.add(User(name="Eve"))

    async with app.app_context():
        await db.session.execute(text("SELECT 1"))
        with pytest.raises(SessionSharedError):
            await asyncio.create_task(add(db.session))


async def test_each_task_may_have_its_own(app: Quart) -> None:
    async def add(name: str) -> None:
        async with db.new_session() as session, session.begin():
            session.add(User(name=name))

    async with app.app_context():
        assert await User.query.count() == 0
        await asyncio.gather(*(add(f"user{n}") for n in range(10)))
        assert await User.query.count() == 10


async def test_a_session_passes_on_when_its_task_has_ended(app: Quart) -> None:
    """As from a fixture to its test."""

    async def first() -> None:
        await add_users("Ada")

    async with app.app_context():
        await asyncio.create_task(first())
        assert (await User.query.one()).name == "Ada"


async def test_a_removed_session_passes_on(app: Quart) -> None:
    async def other() -> int:
        return await User.query.count()

    async with app.app_context():
        await add_users("Ada")
        await db.session.remove()
        assert await asyncio.create_task(other()) == 1


async def test_a_plain_function_in_a_thread_is_refused(app: Quart) -> None:
    @app.get("/")
    def view() -> str:
        try:
            db.session.add(User(name="Ada"))
        except SessionSharedError as error:
            return str(error)
        return "shared"

    assert "thread" in await (await app.test_client().get("/")).get_data(as_text=True)


async def test_hooks_view_and_teardown_use_the_same_session(app: Quart) -> None:
    seen: list[Any] = []

    async def use(*_: Any) -> None:
        await db.session.execute(text("SELECT 1"))
        seen.append(db.session)

    app.before_request(use)
    app.teardown_request(use)

    @app.after_request
    async def after(response: Any) -> Any:
        await use()
        return response

    @app.get("/")
    async def view() -> str:
        await use()
        return ""

    assert (await app.test_client().get("/")).status_code == 200
    assert len(seen) == 4
    assert len(set(seen)) == 1


async def test_a_stream_has_a_session_of_its_own(app: Quart) -> None:
    @app.get("/")
    async def view() -> Any:
        await add_users("Ada", "Grace")

        @stream_with_context
        async def names() -> AsyncIterator[str]:
            async for user in User.query.order_by(User.id):
                yield user.name + " "

        return names()

    response = await app.test_client().get("/")
    assert await response.get_data(as_text=True) == "Ada Grace "
    assert await checked_out(app) == 0


async def test_a_background_task_has_a_session_of_its_own(app: Quart) -> None:
    async def later() -> None:
        await add_users("Ada")

    @app.get("/")
    async def view() -> str:
        await db.session.execute(text("SELECT 1"))
        app.add_background_task(later)
        return ""

    await app.test_client().get("/")
    await asyncio.gather(*app.background_tasks)
    async with app.app_context():
        assert await User.query.count() == 1
    assert await checked_out(app) == 0


async def test_a_request_inside_the_context_of_a_test_has_its_own(app: Quart) -> None:
    """The test client shares ``g`` with a context that the test pushed."""

    @app.get("/")
    async def view() -> str:
        return str(await User.query.count())

    async with app.app_context():
        await add_users("Ada")
        assert await (await app.test_client().get("/")).get_data(as_text=True) == "1"
        await add_users("Grace")
        assert await User.query.count() == 2
    assert await checked_out(app) == 0


async def test_work_after_a_request_in_the_same_task_has_a_session_of_the_context(
    app: Quart,
) -> None:
    """As in a test that calls the handler of a request directly, inside its own app context."""
    async with app.app_context():
        first = db.session
        await scope.open_request(app)
        in_request = db.session
        await scope.close_request()
        assert in_request is not first
        assert db.session is first
        await first.remove()


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_an_error_closes_the_session(app: Quart, error: type[BaseException]) -> None:
    async def fail() -> None:
        async with app.app_context():
            db.session.add(User(name="Ada"))
            await db.session.flush()
            raise error

    with pytest.raises(error):
        await fail()
    assert await checked_out(app) == 0
    async with app.app_context():
        assert await User.query.count() == 0


@pytest.mark.hazard("cancelled request")
async def test_a_client_that_leaves_frees_its_connection(app: Quart) -> None:
    started = asyncio.Event()

    @app.post("/")
    async def slow() -> str:
        async with db.transaction() as session:
            session.add(User(name="Ada"))
            await session.flush()
            started.set()
            await asyncio.sleep(30)
        return ""

    for _ in range(3):
        started.clear()
        connection = app.test_client().request("/", method="POST")
        async with connection:
            await connection.send_complete()
            await started.wait()
            assert await checked_out(app) == 1
            await connection.disconnect()
        assert await checked_out(app) == 0
    async with app.app_context():
        assert await User.query.count() == 0
        await add_users("Ada")  # nobody holds the write lock


@pytest.mark.hazard("cancelled request")
async def test_cancelling_in_the_midst_of_a_statement_leaves_the_pool_intact(app: Quart) -> None:
    slow = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) "
        "SELECT max(i) FROM n"
        if databases.is_sqlite()
        else f"SELECT {'pg_sleep' if databases.is_postgresql() else 'SLEEP'}(600)"
    )
    started = asyncio.Semaphore(0)

    async def work() -> None:
        async with app.app_context():
            await db.session.connection()
            started.release()
            await db.session.execute(slow)

    tasks = [asyncio.create_task(work()) for _ in range(5)]
    for _ in tasks:
        await started.acquire()
    assert await checked_out(app) == 5
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 5
    pool = await pool_of(app)
    await until(lambda: pool.checkedout() == 0)
    async with app.app_context():
        await add_users("Ada")


async def test_a_websocket_session_lasts_one_message(app: Quart) -> None:
    sessions_before_message: list[bool] = []

    @app.before_websocket
    async def load_user() -> None:
        await User.query.first()

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.accept()
        while True:
            sessions_before_message.append(db.session.in_transaction())
            name = await websocket.receive()
            db.session.add(User(name=name))
            await db.session.commit()
            await websocket.send(str(await User.query.count()))

    pool = await pool_of(app)
    async with app.test_client().websocket("/ws") as connection:
        for number in (1, 2, 3):
            await connection.send(f"user{number}")
            assert await connection.receive() == str(number)
            await until(lambda: pool.checkedout() == 0)
    assert sessions_before_message[0] is False


async def test_a_websocket_that_only_sends_keeps_nothing_from_its_handshake(app: Quart) -> None:
    @app.before_websocket
    async def load_user() -> None:
        await User.query.first()

    @app.websocket("/ws")
    async def ws() -> None:
        while True:
            await websocket.send("tick")
            await asyncio.sleep(1)

    async with app.test_client().websocket("/ws") as connection:
        assert await connection.receive() == "tick"
        assert await checked_out(app) == 0


async def test_a_transaction_block_survives_receiving(app: Quart) -> None:
    @app.websocket("/ws")
    async def ws() -> None:
        async with db.transaction() as session:
            for _ in range(2):
                session.add(User(name=await websocket.receive()))
                await session.flush()
        await websocket.send(str(await User.query.count()))

    async with app.test_client().websocket("/ws") as connection:
        await connection.send("Ada")
        await connection.send("Grace")
        assert await connection.receive() == "2"


async def test_a_session_that_closes_after_cancellation_is_waited_for(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection would come back to a pool that was closed before, and stay open."""
    closing, may_close = asyncio.Event(), asyncio.Event()
    close = Session.close

    async def close_slowly(self: Session) -> None:
        closing.set()
        await may_close.wait()
        await close(self)

    async def work() -> None:
        async with app.app_context():
            await db.session.execute(text("SELECT 1"))

    connections: list[object] = []
    async with app.app_context():
        engine = db.engine
        await db.dispose()
        event.listen(engine.sync_engine, "connect", lambda it, _: connections.append(it))
        event.listen(engine.sync_engine, "close", lambda it, _: connections.remove(it))
    monkeypatch.setattr(Session, "close", close_slowly)
    task = asyncio.create_task(work())
    await closing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(connections) == 1
    async with app.app_context():
        ending = asyncio.create_task(db.dispose())
        await asyncio.sleep(0)
        may_close.set()
        await ending
    assert connections == []
