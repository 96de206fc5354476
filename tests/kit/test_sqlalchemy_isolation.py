"""``isolated_database``: a test leaves no trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy.exc import IntegrityError

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


async def test_statements_are_recorded_until_the_block_ends(app: Quart) -> None:
    with recorded_statements(db, app) as statements:
        await app.test_client().post("/Grace")
    await app.test_client().post("/Edsger")

    assert [text.split()[0] for text in statements] == ["INSERT", "SELECT"]
