"""``isolated_database``: a test leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from quart import Quart, session
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from quarterdeck.exceptions import IsolatedTransactionError
from quarterdeck.session import Session
from quarterdeck.testing import isolated_database, recorded_statements

from .sqlalchemy_app import User, add_users, db, make_app

pytestmark = pytest.mark.feature("AP5")


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)

    @app.post("/<name>")
    async def add(name: str) -> str:
        async with db.transaction() as session:
            session.add(User(name=name))
        return str(await User.query.count())

    async with app.test_app():
        async with app.app_context():
            await db.create_all()
            await add_users("Ada")
        yield app


async def count(app: Quart) -> int:
    async with app.app_context():
        return await User.query.count()


async def test_commits_are_taken_back(app: Quart) -> None:
    client = app.test_client()
    async with isolated_database(db, app):
        assert await (await client.post("/Grace")).get_data(as_text=True) == "2"
        assert await (await client.post("/Edsger")).get_data(as_text=True) == "3"
        async with app.app_context():
            await add_users("Barbara")
        assert await count(app) == 4
    assert await count(app) == 1


async def test_a_failed_request_inside_spares_what_was_committed_before(app: Quart) -> None:
    async with isolated_database(db, app):
        assert (await app.test_client().post("/Grace")).status_code == 200
        assert (await app.test_client().post("/Grace")).status_code == 500
        assert await count(app) == 2
    assert await count(app) == 1


async def test_the_session_of_the_test_and_of_the_request_see_each_other(app: Quart) -> None:
    async with isolated_database(db, app), app.app_context():
        await add_users("Grace")
        assert await (await app.test_client().post("/Edsger")).get_data(as_text=True) == "3"
        assert await User.query.filter_by(name="Edsger").exists()
        with pytest.raises(IntegrityError):
            await add_users("Ada")
    assert await count(app) == 1


async def test_an_error_in_the_test_is_taken_back_too(app: Quart) -> None:
    async def fail() -> None:
        async with isolated_database(db, app), app.app_context():
            await add_users("Grace")
            raise ValueError("the test fails")

    with pytest.raises(ValueError, match="the test fails"):
        await fail()
    assert await count(app) == 1


async def test_callbacks_after_a_commit_run(app: Quart) -> None:
    seen: list[int] = []
    async with isolated_database(db, app), app.app_context(), db.transaction():
        db.after_commit(lambda: seen.append(1))
    assert seen == [1]


@pytest.mark.parametrize("isolated", [True, False])
async def test_savepoints_are_not_recorded(app: Quart, isolated: bool) -> None:
    isolation = isolated_database(db, app) if isolated else nullcontext()
    async with isolation, app.app_context():
        with recorded_statements(db, app) as statements:
            async with db.transaction() as unit, db.transaction():
                unit.add(User(name="Grace"))
    assert [statement.split()[0] for statement in statements] == ["INSERT"]


async def test_statements_are_recorded_until_the_block_ends(app: Quart) -> None:
    with recorded_statements(db, app) as statements:
        await app.test_client().post("/Grace")
    await app.test_client().post("/Edsger")

    assert [text.split()[0] for text in statements] == ["INSERT", "SELECT"]


class TestOtherUsersOfTheDatabase:
    """Browser sessions, background tasks and the engine share the connection."""

    @pytest.fixture(name="app")
    async def _app(self, tmp_path: Path) -> AsyncIterator[Quart]:
        app = make_app(
            tmp_path, SESSION_TYPE="sqlalchemy", SESSION_SQLALCHEMY=lambda: db.engine, TESTING=True
        )
        app.secret_key = "only for this test"
        Session(app)

        @app.post("/<name>")
        async def add(name: str) -> str:
            session["names"] = [*session.get("names", []), name]
            async with db.transaction() as unit:
                unit.add(User(name=name))
            return ",".join(session["names"])

        @app.post("/fails/<name>")
        async def fail(name: str) -> tuple[str, int]:
            session["failed"] = name
            db.session.add(User(name=name))
            await db.session.flush()
            return str(session["failed"]), 422

        @app.get("/failed")
        async def failed() -> str:
            return str(session.get("failed"))

        @app.post("/later/<name>")
        async def later(name: str) -> str:
            app.add_background_task(add_in_background, name)
            await db.session.execute(text("SELECT 1"))
            async with db.transaction() as unit:
                unit.add(User(name=f"{name} first"))
            return ""

        async def add_in_background(name: str) -> None:
            async with db.transaction() as unit:
                unit.add(User(name=name))
                await unit.flush()
                await asyncio.sleep(0)
                unit.add(User(name=f"{name} later"))

        async with app.test_app():
            async with app.app_context():
                await db.create_all()
                await add_users("Ada")
            yield app

    async def test_browser_sessions_are_saved_and_taken_back(self, app: Quart) -> None:
        client = app.test_client()
        async with isolated_database(db, app):
            assert (await client.post("/Grace")).status_code == 200
            response = await client.post("/Edsger")
            assert await response.get_data(as_text=True) == "Grace,Edsger"
            assert await count(app) == 3
        assert await count(app) == 1
        assert await rows_of_sessions(app) == 0

    async def test_a_second_test_of_the_same_app_finds_the_table_of_the_sessions(
        self, app: Quart
    ) -> None:
        for _ in range(2):
            async with isolated_database(db, app):
                assert (await app.test_client().post("/Grace")).status_code == 200

    async def test_a_session_outlives_the_rollback_of_its_request(self, app: Quart) -> None:
        """It was saved above the transaction of the view, which is rolled back afterwards."""
        client = app.test_client()
        async with isolated_database(db, app):
            assert (await client.post("/fails/Grace")).status_code == 422
            assert await count(app) == 1
            response = await client.get("/failed")
            assert await response.get_data(as_text=True) == "Grace"

    async def test_background_tasks_work_beside_their_request(self, app: Quart) -> None:
        async with isolated_database(db, app):
            assert (await app.test_client().post("/later/Grace")).status_code == 200
            await asyncio.gather(*app.background_tasks)
            async with app.app_context():
                assert await User.query.filter(User.name.startswith("Grace")).count() == 3
        assert await count(app) == 1

    async def test_the_engine_shares_the_connection(self, app: Quart) -> None:
        async with isolated_database(db, app), app.app_context():
            async with db.engine.begin() as connection:
                await connection.execute(User.__table__.insert(), [{"name": "Grace"}])
            with pytest.raises(ZeroDivisionError):
                await write_and_fail()
            assert await User.query.count() == 2
        assert await count(app) == 1


async def write_and_fail() -> None:
    async with db.engine.begin() as connection:
        await connection.execute(User.__table__.insert(), [{"name": "Edsger"}])
        raise ZeroDivisionError


async def rows_of_sessions(app: Quart) -> int:
    async with app.app_context(), db.engine.connect() as connection:
        return int(await connection.scalar(text("SELECT COUNT(*) FROM sessions")) or 0)


async def test_transactions_side_by_side_end_in_any_order(app: Quart) -> None:
    async with isolated_database(db, app), app.app_context():
        one, two, three = db.new_session(), db.new_session(), db.new_session()
        for number, unit in enumerate((one, two, three)):
            unit.add(User(name=f"user {number}"))
            await unit.flush()
        await one.commit()
        await two.commit()
        await three.rollback()
        assert await User.query.count() == 3
        for unit in (one, two, three):
            await unit.close()
    assert await count(app) == 1


async def test_a_rollback_keeps_the_work_of_others(app: Quart) -> None:
    async with isolated_database(db, app), app.app_context():
        one, two = db.new_session(), db.new_session()
        one.add(User(name="of one"))
        await one.flush()
        two.add(User(name="of two"))
        async with two.begin_nested():
            two.add(User(name="of two, nested"))
        nested = await two.begin_nested()
        two.add(User(name="of two, taken back"))
        await two.flush()
        await nested.rollback()
        await two.commit()
        await one.rollback()
        names = [user.name for user in await User.query.order_by(User.name).all()]
        assert names == ["Ada", "of two", "of two, nested"]
        await one.close()
        await two.close()


async def test_a_rollback_below_a_transaction_that_writes_is_refused(app: Quart) -> None:
    async with isolated_database(db, app), app.app_context():
        one, two = db.new_session(), db.new_session()
        for unit in (one, two):
            unit.add(User(name=f"user {id(unit)}"))
            await unit.flush()
        with pytest.raises(IsolatedTransactionError, match="while a later one was writing"):
            await one.rollback()
        await two.rollback()
        await one.close()
        await two.close()


async def test_another_event_loop_is_refused_with_a_sentence(app: Quart) -> None:
    async def read() -> None:
        async with app.app_context():
            await User.query.count()

    async with isolated_database(db, app):
        with pytest.raises(IsolatedTransactionError, match="used from another event loop"):
            await asyncio.to_thread(asyncio.run, read())
        assert await count(app) == 1
