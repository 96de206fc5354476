"""Recorded statements, and the signals about changed objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart

from quarterdeck.sqlalchemy.record_queries import get_recorded_queries
from quarterdeck.sqlalchemy.track_modifications import before_models_committed, models_committed

from .sqlalchemy_app import User, add_users, db, make_app

pytestmark = pytest.mark.feature("D1")


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path, SQLALCHEMY_RECORD_QUERIES=True, SQLALCHEMY_TRACK_MODIFICATIONS=True)
    async with app.test_app():
        async with app.app_context():
            await db.create_all()
            await add_users("ada")
        yield app


async def test_statements_are_recorded_for_each_request(app: Quart) -> None:
    @app.get("/")
    async def index() -> Any:
        await User.query.filter_by(name="ada").one()
        return [
            [info.statement, list(info.parameters), info.duration >= 0, info.location]
            for info in get_recorded_queries()
        ]

    for _ in range(2):
        ((statement, parameters, timed, location),) = await (
            await app.test_client().get("/")
        ).get_json()
        assert statement.startswith("SELECT")
        assert (parameters, timed) == (["ada"], True)
        assert "test_sqlalchemy_signals.py" in location
        assert location.endswith("(index)")


async def test_nothing_is_recorded_unless_asked_for(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        assert await User.query.count() == 0
        assert get_recorded_queries() == []


class Listener:
    """The changes that both signals report."""

    def __init__(self, app: Quart) -> None:
        self.seen: list[tuple[str, str, str]] = []
        models_committed.connect(self.after, app)
        before_models_committed.connect(self.before, app)

    async def after(self, _app: Quart, changes: list[tuple[Any, str]]) -> None:
        self.seen += [("after", changed.name, operation) for changed, operation in changes]

    def before(self, _app: Quart, changes: list[tuple[Any, str]]) -> None:
        self.seen += [("before", changed.name, operation) for changed, operation in changes]


async def test_the_signals_name_each_changed_object_once(app: Quart) -> None:
    listener = Listener(app)
    async with app.app_context():
        db.session.add(User(name="bob"))
        await db.session.flush()
        bob = await User.query.filter_by(name="bob").one()
        bob.balance = 5
        await db.session.commit()
        assert listener.seen == [("before", "bob", "insert"), ("after", "bob", "insert")]
        listener.seen.clear()

        async with db.transaction():
            bob.balance = 6
        assert listener.seen == [("before", "bob", "update"), ("after", "bob", "update")]
        listener.seen.clear()

        await db.session.commit()
        assert listener.seen == []


async def test_a_rollback_is_not_reported(app: Quart) -> None:
    listener = Listener(app)
    async with app.app_context():
        db.session.add(User(name="bob"))
        await db.session.flush()
        await db.session.rollback()
        async with db.transaction() as session:
            session.add(User(name="cid"))
            with pytest.raises(ZeroDivisionError):  # noqa: PT012
                async with db.transaction():
                    session.add(User(name="dan"))
                    await session.flush()
                    raise ZeroDivisionError
    assert [name for when, name, _ in listener.seen if when == "after"] == ["cid"]


async def test_the_signals_are_not_sent_unless_asked_for(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    listener = Listener(app)
    async with app.test_app(), app.app_context():
        await db.create_all()
        await add_users("ada")
    assert listener.seen == []
