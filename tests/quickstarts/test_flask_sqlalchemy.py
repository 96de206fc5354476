"""Flask-SQLAlchemy 3.1: a base, a model, tables, and four views."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import redirect, render_template_string, request, url_for
from sqlalchemy import Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from quarterdeck.app import Quart
from quarterdeck.sqlalchemy import SQLAlchemy
from tests import databases

pytestmark = pytest.mark.feature("D1", "D2", "D4")


class Base(DeclarativeBase):
    pass


db: Any = SQLAlchemy(model_class=Base)


class User(db.Model):  # type: ignore[misc]
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    username: Mapped[str] = mapped_column(String(50), unique=True, nullable=False)
    email: Mapped[str] = mapped_column(String(120))


USERS = "{% for user in users %}{{ user.username }} {% endfor %}"
DETAIL = "{{ user.username }}: {{ user.email }}"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = Quart(__name__, instance_path=str(tmp_path))
    app.config["SQLALCHEMY_DATABASE_URI"] = databases.uri(tmp_path)
    db.init_app(app)

    @app.route("/users")
    async def user_list() -> str:
        users = (await db.session.execute(db.select(User).order_by(User.username))).scalars()
        return await render_template_string(USERS, users=users)

    @app.route("/users/create", methods=["GET", "POST"])
    async def user_create() -> Any:
        if request.method == "POST":
            form = await request.form
            user = User(username=form["username"], email=form["email"])
            db.session.add(user)
            await db.session.commit()
            return redirect(url_for("user_detail", id=user.id))
        return await render_template_string("a form")

    @app.route("/user/<int:id>")
    async def user_detail(id: int) -> str:
        user = await db.get_or_404(User, id)
        return await render_template_string(DETAIL, user=user)

    @app.route("/user/<int:id>/delete", methods=["GET", "POST"])
    async def user_delete(id: int) -> Any:
        user = await db.get_or_404(User, id)
        if request.method == "POST":
            await db.session.delete(user)
            await db.session.commit()
            return redirect(url_for("user_list"))
        return await render_template_string(DETAIL, user=user)

    @app.route("/user-by-username/<username>")
    async def user_by_username(username: str) -> str:
        user = await db.one_or_404(
            db.select(User).filter_by(username=username),
            description=f"No user named '{username}'.",
        )
        return await render_template_string(DETAIL, user=user)

    @app.route("/pages")
    async def pages() -> Any:
        page = await db.paginate(db.select(User).order_by(User.username), per_page=2)
        return {
            "users": [user.username for user in page],
            "pages": list(page.iter_pages()),
            "next": page.next_num,
        }

    async with app.test_app():
        async with app.app_context():
            await db.create_all()
        yield app


async def text(response: Any) -> str:
    return str(await response.get_data(as_text=True))


async def test_the_four_views(app: Quart) -> None:
    client = app.test_client()
    for name in ("grace", "ada"):
        form = {"username": name, "email": f"{name}@example.com"}
        response = await client.post("/users/create", form=form)
        assert response.status_code == 302
    assert response.location == "/user/2"
    assert await text(await client.get("/user/2")) == "ada: ada@example.com"
    assert await text(await client.get("/users")) == "ada grace "
    assert await text(await client.get("/user-by-username/grace")) == "grace: grace@example.com"
    assert (await client.get("/user/99")).status_code == 404
    missing = await client.get("/user-by-username/edsger")
    assert missing.status_code == 404
    assert "No user named &#39;edsger&#39;." in await text(missing)
    assert (await client.post("/user/2/delete")).location == "/users"
    assert await text(await client.get("/users")) == "grace "


async def test_pages_from_the_address(app: Quart) -> None:
    async with app.app_context():
        db.session.add_all([User(username=f"u{n}", email="") for n in range(5)])
        await db.session.commit()
    client = app.test_client()
    shown = await (await client.get("/pages?page=2")).get_json()
    assert shown == {"users": ["u2", "u3"], "pages": [1, 2, 3], "next": 3}


async def test_queries_of_the_guide(app: Quart) -> None:
    async with app.app_context():
        db.session.add(User(username="ada", email="old@example.com"))
        await db.session.commit()
        user = (await db.session.execute(db.select(User).filter_by(username="ada"))).scalar_one()
        user.email = "new@example.com"
        await db.session.commit()
        found = (await db.session.scalars(db.select(User))).all()
        assert [(each.username, each.email) for each in found] == [("ada", "new@example.com")]
        assert await User.query.filter_by(username="ada").count() == 1
