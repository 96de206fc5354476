"""The db session: one per context, one task, closed whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart import Quart

from quarterdeck.exceptions import RelationshipNotLoadedError, SessionSharedError

from .sqlalchemy_app import User, db, make_app


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        yield app


@pytest.mark.feature("D3")
async def test_a_transaction_commits(app: Quart) -> None:
    async with db.transaction() as session:
        session.add(User(name="Ada"))
    await db.session.remove()
    assert (await User.query.filter_by(name="Ada").one()).id == 1


@pytest.mark.feature("D3")
@pytest.mark.hazard("session shared by tasks")
async def test_another_task_is_refused(app: Quart) -> None:
    await db.session.get(User, 1)

    async def intruder() -> None:
        await db.session.get(User, 1)

    with pytest.raises(SessionSharedError, match=r"db\.new_session"):
        await asyncio.create_task(intruder())


@pytest.mark.feature("D5")
async def test_an_unloaded_relationship_names_itself(app: Quart) -> None:
    async with db.transaction() as session:
        session.add(User(name="Ada"))
    await db.session.remove()
    user = await User.query.first_or_404()
    with pytest.raises(RelationshipNotLoadedError, match=r"selectinload\(User.posts\)"):
        _ = user.posts
