"""Calls of a session without ``await``: an error that names the line, not a silent success."""

# mypy: disable-error-code="unused-coroutine, truthy-bool, attr-defined, index, union-attr"
# mypy: disable-error-code="call-overload, arg-type"

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from quart import Quart, current_app, websocket
from sqlalchemy import update

from quarterdeck._quart import unwrap
from quarterdeck.app.json import MsgspecJSONProvider
from quarterdeck.exceptions import NotAwaitedError
from quarterdeck.sqlalchemy import Session
from tests.plain import until_quart_0_22

from .sqlalchemy_app import Post, User, add_users, db, make_app

pytestmark = [
    pytest.mark.feature("D1"),
    pytest.mark.hazard("an un-awaited delete or flush does nothing, and the page stays 200"),
]
HERE = r"test_sqlalchemy_unawaited\.py:\d+"


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app():
        async with app.app_context():
            await db.create_all()
            await add_users("ada")
        yield app


def forget_delete(session: Session, ada: User) -> None:
    session.delete(ada)


def forget_flush(session: Session, ada: User) -> None:
    session.flush()


def forget_commit(session: Session, ada: User) -> None:
    session.commit()


def forget_execute(session: Session, ada: User) -> None:
    session.execute(update(User).values(balance=5))


def forget_query(session: Session, ada: User) -> None:
    User.query.delete()


def forget_run(session: Session, ada: User) -> None:
    db.run(lambda own: own.delete(ada))


def forget_count(session: Session, ada: User) -> None:
    ada.events.count()


FORGOTTEN = [
    forget_delete,
    forget_flush,
    forget_commit,
    forget_execute,
    forget_query,
    forget_run,
    forget_count,
]


@pytest.mark.parametrize("forget", FORGOTTEN)
async def test_a_request_that_forgets_await_fails(app: Quart, forget: object) -> None:
    assert callable(forget)

    @app.get("/")
    async def index() -> str:
        forget(db.session, await User.query.first())
        return "done"

    assert (await app.test_client().get("/")).status_code == 500
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(NotAwaitedError, match=rf"'(session|query)\.\w+\(\)' at .*{HERE}"):
        await app.test_client().get("/")


async def test_the_commit_after_it_is_refused(app: Quart) -> None:
    async with app.app_context():
        post = Post(title="one")
        db.session.add(post)
        await db.session.commit()
        db.session.delete(post)
        with pytest.raises(NotAwaitedError, match=r"'session\.delete\(\)'"):
            await db.session.commit()
        await db.session.delete(post)
        await db.session.commit()
        assert await Post.query.count() == 0


async def test_a_block_is_rolled_back(app: Quart) -> None:
    async with app.app_context():
        with pytest.raises(NotAwaitedError):  # noqa: PT012
            async with db.transaction() as session:
                session.add(User(name="bob"))
                session.flush()
        assert await User.query.count() == 1


@until_quart_0_22  # stock 0.23 groups errors, and cancels a handler with unread messages
async def test_a_context_and_a_session_of_its_own_say_so_at_their_end(app: Quart) -> None:
    with pytest.raises(NotAwaitedError):
        async with app.app_context():
            db.session.commit()
    async with app.app_context():
        with pytest.raises(NotAwaitedError):
            async with db.new_session() as session:
                session.commit()


async def test_another_error_comes_first(app: Quart) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with app.app_context():
            db.session.commit()
            raise ZeroDivisionError

    @app.get("/")
    async def index() -> str:
        db.session.commit()
        raise ZeroDivisionError

    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ZeroDivisionError):
        await app.test_client().get("/")


async def test_a_condition_is_refused(app: Quart) -> None:
    async with app.app_context():
        with pytest.raises(NotAwaitedError, match=r"'query\.first\(\)'"):
            assert not User.query.filter_by(name="nobody").first()
        with pytest.raises(NotAwaitedError, match=r"'session\.get\(\)'"):
            assert not db.session.get(User, 99)


@until_quart_0_22  # stock 0.23 groups errors, and cancels a handler with unread messages
async def test_a_websocket_fails_with_the_next_message(app: Quart) -> None:
    failed = []

    @app.websocket("/ws")
    async def ws() -> None:
        try:
            while True:
                await websocket.receive()
                db.session.commit()
        except NotAwaitedError as error:
            failed.append(error)

    async with app.test_client().websocket("/ws") as client:
        await client.send("one")
        await client.send("two")
    assert failed


async def test_without_an_end_it_is_a_warning(app: Quart) -> None:
    async with app.app_context():
        session = db.new_session()
        session.commit()
        with pytest.warns(RuntimeWarning, match="was not awaited"):  # noqa: PT031
            del session
            gc.collect()


async def test_calls_can_be_awaited_later_and_run_as_tasks(app: Quart) -> None:
    async with app.app_context():
        count = User.query.count()
        assert await count == 1
        async with db.new_session() as session:
            task = asyncio.create_task(session.get(User, 1))
            found = await task
            assert found is not None
            assert found.name == "ada"


USES = {
    "an attribute": lambda: User.query.first().name,
    "an item": lambda: User.query.all()[0],
    "a loop": lambda: list(User.query.all()),
    "a length": lambda: len(User.query.all()),
    "JSON": lambda: MsgspecJSONProvider(unwrap(current_app)).dumps([User.query.first()]),
    "a text": lambda: f"Hello, {User.query.first()}",
    "a condition": lambda: User.query.first() or 1,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_a_call_is_not_taken_for_its_result(app: Quart, use: Callable[[], object]) -> None:
    async with app.app_context():
        with pytest.raises(NotAwaitedError, match=HERE):
            use()


async def test_libraries_may_ask_a_call_if_it_is_a_coroutine(app: Quart) -> None:
    async with app.app_context():
        call = User.query.count()
        assert asyncio.iscoroutine(call)
        assert not hasattr(call, "cr_frame")
        assert await asyncio.create_task(call) == 1
