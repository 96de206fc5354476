"""``SQLALCHEMY_COMMIT_ON_TEARDOWN``: a good request commits, all others roll back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy.exc import IntegrityError

from .sqlalchemy_app import User, db, make_app


class TestCommitOnTeardown:
    """``SQLALCHEMY_COMMIT_ON_TEARDOWN``."""

    @pytest.fixture(name="app")
    async def _app(self, tmp_path: Path) -> AsyncIterator[Quart]:
        app = make_app(tmp_path, SQLALCHEMY_COMMIT_ON_TEARDOWN=True)
        async with app.test_app():
            async with app.app_context():
                await db.create_all()
            yield app

    @pytest.mark.feature("D6")
    @pytest.mark.parametrize(("status", "kept"), [(200, 1), (302, 1), (400, 0), (500, 0)])
    async def test_commits_a_good_request_only(self, app: Quart, status: int, kept: int) -> None:
        @app.post("/")
        async def add() -> tuple[str, int]:
            db.session.add(User(name="Ada"))
            return "", status

        await app.test_client().post("/")
        async with app.app_context():
            assert await User.query.count() == kept

    @pytest.mark.feature("D6")
    async def test_rolls_back_after_an_exception(self, app: Quart) -> None:
        @app.post("/")
        async def add() -> str:
            db.session.add(User(name="Ada"))
            raise ValueError

        assert (await app.test_client().post("/")).status_code == 500
        async with app.app_context():
            assert await User.query.count() == 0

    async def test_a_failing_commit_reaches_the_error_handlers(self, app: Quart) -> None:
        @app.errorhandler(IntegrityError)
        async def conflict(error: IntegrityError) -> tuple[str, int]:
            return "taken", 409

        @app.post("/")
        async def add() -> str:
            db.session.add(User(name="Ada"))
            return "created"

        client = app.test_client()
        assert (await client.post("/")).status_code == 200
        assert (await client.post("/")).status_code in {409, 500}
