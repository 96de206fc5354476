"""The user of a request is read with the browser session, where both are in the database."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart, g, url_for
from sqlalchemy import update

from quarterdeck._quart import unwrap
from quarterdeck.login import current_user
from quarterdeck.testing import recorded_statements
from quarterdeck_crm.auth.loading import keep_sessions_in_database
from quarterdeck_crm.extensions import db, sessions
from quarterdeck_crm.models import User
from quarterdeck_crm.models.session import browser_session

from .conftest import Auth

elsewhere = pytest.mark.parametrize(
    "settings", [{"SESSION_TYPE": "null"}, {"SESSION_TYPE": "filesystem"}], ids=str
)
NO_USER = ("health.live", "static")


async def statements_of(app: Quart, auth: Auth, path: str) -> list[str]:
    """Return all that a page asks of the database, browser sessions included."""
    with recorded_statements(db, app) as statements:
        await (await auth.get(path)).get_data()
    return statements


async def name_on_page(auth: Auth) -> bool:
    response = await auth.get("/auth/profile")
    assert response.status_code == 200
    return ">admin</span>" in await response.get_data(as_text=True)  # before the "@"


def of_users(statements: list[str]) -> list[str]:
    return [text for text in statements if "auth_version" in text]


async def test_session_and_user_are_one_statement(app: Quart, as_admin: Auth) -> None:
    assert await name_on_page(as_admin)
    statements = await statements_of(app, as_admin, "/tasks/")
    assert [text for text in statements if "browser_session" in text] == of_users(statements)
    assert len(of_users(statements)) == 1


@elsewhere
async def test_sessions_elsewhere_are_read_before_the_user(app: Quart, as_admin: Auth) -> None:
    assert await name_on_page(as_admin)
    statements = await statements_of(app, as_admin, "/tasks/")
    assert not [text for text in statements if "browser_session" in text]
    assert len(of_users(statements)) == 1


@pytest.mark.parametrize("settings", [{"SESSION_SQLALCHEMY": lambda: db.engine}], ids=["own"])
async def test_an_engine_of_the_operator_holds_no_users(app: Quart, as_admin: Auth) -> None:
    assert await name_on_page(as_admin)
    assert app.config.get("SESSION_SQLALCHEMY_READ") is None
    assert len(of_users(await statements_of(app, as_admin, "/tasks/"))) == 1


async def test_the_signed_session_names_the_user_and_not_its_column(
    app: Quart, as_admin: Auth, user: User
) -> None:
    assert await name_on_page(as_admin)
    async with app.app_context(), db.engine.begin() as connection:
        await connection.execute(update(browser_session).values(owner=str(user.id)))
    assert await name_on_page(as_admin)


@pytest.mark.parametrize("change", [{"is_active": False}, {"auth_version": 7}], ids=str)
async def test_who_may_not_be_signed_in_is_refused(
    app: Quart, as_admin: Auth, admin: User, change: dict[str, Any]
) -> None:
    assert await name_on_page(as_admin)
    async with app.app_context(), db.transaction() as session:
        await session.execute(update(User).where(User.id == admin.id).values(**change))
    assert (await as_admin.get("/auth/profile")).status_code == 401


async def test_who_was_signed_out_is_refused(app: Quart, as_admin: Auth, admin: User) -> None:
    assert await name_on_page(as_admin)
    async with app.test_request_context("/"):
        assert await sessions.end(admin.id) == 1
    assert (await as_admin.get("/auth/profile")).status_code == 401


async def test_the_user_is_an_object_of_the_requests_own_session(
    app: Quart, as_admin: Auth
) -> None:
    """Although another session has read it: a view may change it and read it again."""
    found: list[bool] = []

    async def note() -> None:
        found.append(unwrap(current_user) in db.session)
        assert not db.session.dirty

    app.before_request_funcs[None].append(note)
    assert await name_on_page(as_admin)
    assert found == [True]


async def test_a_user_that_was_read_already_is_not_there_twice(
    app: Quart, as_admin: Auth, admin: User
) -> None:
    async def read_first() -> None:
        g.first = await db.session.get_one(User, admin.id)  # kept, as a db session does not

    app.before_request_funcs[None].insert(0, read_first)
    assert await name_on_page(as_admin)


@pytest.mark.parametrize("endpoint", NO_USER)
async def test_pages_without_a_user_read_neither(app: Quart, as_admin: Auth, endpoint: str) -> None:
    assert await name_on_page(as_admin)
    async with app.test_request_context("/"):
        files: dict[str, Any] = {"filename": "css/api-docs.css"} if endpoint == "static" else {}
        path = url_for(endpoint, **files)
    with recorded_statements(db, app) as statements:
        assert (await as_admin.get(path)).status_code == 200
    assert statements == []


def test_a_function_of_the_operator_stays() -> None:
    app = Quart(__name__)
    keep_sessions_in_database(app)
    assert app.config["SESSION_SQLALCHEMY_READ"] is not None
