"""Interleaved requests keep their own user, browser session and database session."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from quart import g, session, websocket
from sqlalchemy import text

from quarterdeck.app import Quart
from quarterdeck.exceptions import SessionSharedError
from quarterdeck.login import LoginManager, UserMixin, current_user, login_required, login_user
from quarterdeck.sqlalchemy import SQLAlchemy


@dataclass
class User(UserMixin):
    id: str
    is_active: bool = True
    auth_version: int = 1


db = SQLAlchemy()


def make_app(folder: Path) -> Quart:
    app = Quart(__name__, instance_path=str(folder))
    app.config.update(SECRET_KEY="x", SQLALCHEMY_DATABASE_URI="sqlite:///test.db")
    db.init_app(app)
    manager = LoginManager(app)
    chance = random.Random(11)  # noqa: S311 - the same interleaving every time

    @manager.user_loader
    async def load(user_id: str) -> User:
        await asyncio.sleep(chance.random() / 100)
        return User(user_id)

    async def mine(name: str, database: Any) -> bool:
        await asyncio.sleep(chance.random() / 100)
        answer = await database.scalar(text("select :name"), {"name": name})
        return bool(answer == name and current_user.id == name and g.name == name)

    @app.post("/in/<name>")
    async def sign_in(name: str) -> str:
        login_user(User(name))
        session["name"] = name
        return ""

    @app.get("/<name>")
    @login_required
    async def page(name: str) -> Any:
        g.name = session["name"]
        database = db.session
        fine = [await mine(name, db.session) for _ in range(2)]
        refused = await asyncio.create_task(from_another_task())
        own = asyncio.get_running_loop().create_future()

        async def background() -> None:
            own.set_result(db.session is not database)

        app.add_background_task(background)
        return [*fine, db.session is database, refused, await own]

    async def from_another_task() -> bool:
        try:
            await db.session.scalar(text("select 1"))
        except SessionSharedError:
            return True
        return False

    @app.websocket("/ws/<name>")
    @login_required
    async def ws(name: str) -> None:
        g.name = session["name"]
        async with db.new_session() as database:
            await websocket.send("yes" if await mine(name, database) else "no")

    return app


async def visit(app: Quart, name: str) -> None:
    client: Any = app.test_client()
    await client.post(f"/in/{name}")
    pages = asyncio.gather(*(client.get(f"/{name}") for _ in range(2)))
    async with client.websocket(f"/ws/{name}") as connection:
        assert await connection.receive() == "yes"
    for response in await pages:
        assert await response.get_json() == [True] * 5


@pytest.mark.feature("X1", "D3")
@pytest.mark.hazard("asyncio.create_task in a view shares the request's g")
async def test_interleaved_visitors_never_see_each_others_user_or_sessions(tmp_path: Path) -> None:
    asyncio.get_running_loop().set_debug(False)  # it is slow, and other tests have it
    app = make_app(tmp_path)
    async with app.test_app():
        for group in range(5):
            await asyncio.gather(*(visit(app, f"u{group}-{number}") for number in range(20)))
