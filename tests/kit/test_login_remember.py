"""Remembered sign-ins, fresh ones, and the protection of the session, as in Flask-Login."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from itsdangerous import URLSafeSerializer
from quart import websocket
from werkzeug.http import parse_cookie

from quarterdeck.app import Quart
from quarterdeck.exceptions import SessionProtectionError
from quarterdeck.login import (
    current_user,
    login_required,
)

from .login_flask_app import USERS, end_browser, make_app, make_view, manager_of, state

pytestmark = pytest.mark.feature("V3")


@pytest.fixture
def app() -> Quart:
    return make_app()


class TestRemember:
    async def test_the_cookie_signs_in_again_but_not_fresh(self, app: Quart) -> None:
        client = app.test_client()
        response = await client.post("/in/ada?remember=1")
        assert await state(client) == {"name": "ada", "fresh": True, "remembered": True}
        (cookie,) = (c for c in response.headers.getlist("Set-Cookie") if "remember_token" in c)
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Max-Age=31536000" in cookie
        end_browser(client)
        for _ in range(2):
            assert await state(client) == {"name": "ada", "fresh": False, "remembered": True}

    async def test_without_it_the_browser_forgets(self, app: Quart) -> None:
        client = app.test_client()
        await client.post("/in/ada")
        end_browser(client)
        assert (await state(client))["name"] is None

    async def test_signing_out_deletes_it(self, app: Quart) -> None:
        client = app.test_client()
        await client.post("/in/ada?remember=1")
        await client.post("/out")
        assert await state(client) == {"name": None, "fresh": False, "remembered": False}

    async def test_signing_out_through_the_cookie_deletes_it(self, app: Quart) -> None:
        client = app.test_client()
        await client.post("/in/ada?remember=1")
        end_browser(client)
        await client.post("/out")
        assert (await state(client))["name"] is None

    @pytest.mark.parametrize("change", ["forged", "version", "disabled", "expired", "key"])
    async def test_an_invalid_cookie_signs_nobody_in(
        self, app: Quart, monkeypatch: pytest.MonkeyPatch, change: str
    ) -> None:
        seconds = 0 if change == "expired" else 60
        response = await app.test_client().post(f"/in/ada?remember=1&seconds={seconds}")
        cookies = [parse_cookie(raw) for raw in response.headers.getlist("Set-Cookie")]
        (value,) = (each["remember_token"] for each in cookies if "remember_token" in each)
        if change == "forged":
            value = "x" + value
        elif change == "version":
            monkeypatch.setattr(USERS["ada"], "auth_version", 2)
        elif change == "disabled":
            monkeypatch.setattr(USERS["ada"], "is_active", False)
        elif change == "key":
            app.secret_key = "another"
        client = app.test_client()
        client.set_cookie("localhost", "remember_token", value)
        assert (await state(client))["name"] is None

    @pytest.mark.parametrize("missing", ["key", "loader"])
    async def test_a_cookie_of_another_app_does_no_harm(self, missing: str) -> None:
        app = make_app(**({"SECRET_KEY": None} if missing == "key" else {}))
        if missing == "loader":
            manager_of(app)._user_loader = None
        signer = URLSafeSerializer("test", salt="remember-token")
        app.add_url_rule("/page", "page", make_view())
        client = app.test_client()
        value = str(signer.dumps(["ada", 1, 60, time.time() + 60]))
        client.set_cookie("localhost", "remember_token", value)
        assert (await client.get("/page")).status_code == 200

    async def test_an_old_key_still_counts(self, app: Quart) -> None:
        client = app.test_client()
        await client.post("/in/ada?remember=1")
        end_browser(client)
        app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["test"])
        assert (await state(client))["name"] == "ada"

    async def test_its_attributes(self) -> None:
        app = make_app(
            REMEMBER_COOKIE_NAME="stay",
            REMEMBER_COOKIE_DURATION=timedelta(days=2),
            REMEMBER_COOKIE_PATH="/app",
            REMEMBER_COOKIE_DOMAIN="example.com",
            REMEMBER_COOKIE_SECURE=True,
            REMEMBER_COOKIE_HTTPONLY=False,
            REMEMBER_COOKIE_SAMESITE="Strict",
        )
        response = await app.test_client().post("/in/ada?remember=1")
        (cookie,) = (c for c in response.headers.getlist("Set-Cookie") if c.startswith("stay="))
        for part in ("Domain=example.com", "Secure", "Path=/app", "SameSite=Strict"):
            assert part in cookie
        assert "Max-Age=172800" in cookie
        assert "HttpOnly" not in cookie

    async def test_it_is_secure_where_the_session_is(self) -> None:
        app = make_app(SESSION_COOKIE_SECURE=True)
        response = await app.test_client().post("/in/ada?remember=1")
        assert all("Secure" in cookie for cookie in response.headers.getlist("Set-Cookie"))

    @pytest.mark.parametrize("refreshes", [True, False])
    async def test_it_can_be_extended_by_each_response(self, refreshes: bool) -> None:
        app = make_app(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=refreshes)
        client = app.test_client()
        await client.post("/in/ada?remember=1&seconds=100")
        cookies = (await client.get("/state")).headers.getlist("Set-Cookie")
        assert ["Max-Age=100" in cookie for cookie in cookies] == ([True] if refreshes else [])

    async def test_a_websocket_knows_the_user_of_the_cookie(self, app: Quart) -> None:
        @app.websocket("/ws")
        @login_required
        async def ws() -> None:
            await websocket.send(current_user.id)

        client = app.test_client()
        await client.post("/in/ada?remember=1")
        end_browser(client)
        async with client.websocket("/ws") as connection:
            assert await connection.receive() == "ada"


class TestFreshness:
    async def test_a_page_for_fresh_sign_ins(self, app: Quart) -> None:
        client = app.test_client(user=USERS["ada"], fresh_login=False)
        assert (await client.get("/secret")).status_code == 200
        assert (await client.get("/fresh")).status_code == 401
        await client.post("/confirm")
        assert (await client.get("/fresh")).status_code == 200
        assert (await state(client))["fresh"] is True

    async def test_anonymous_visitors_sign_in(self, app: Quart) -> None:
        manager_of(app).refresh_view = "/again"
        assert (await app.test_client().get("/fresh")).location == "/login?next=%2Ffresh"

    async def test_the_way_to_the_refresh_view_and_back(self, app: Quart) -> None:
        manager_of(app).refresh_view = "/again"
        client = app.test_client(user=USERS["ada"], fresh_login=False)
        assert (await client.get("/fresh")).location == "/again?next=%2Ffresh"

    async def test_an_answer_of_the_app(self, app: Quart) -> None:
        @manager_of(app).needs_refresh_handler
        async def again() -> Any:
            return "again", 418

        client = app.test_client(user=USERS["ada"], fresh_login=False)
        assert (await client.get("/fresh")).status_code == 418


class TestProtection:
    HERE = {"User-Agent": "one"}
    ELSEWHERE = {"User-Agent": "two"}

    async def test_basic_makes_the_session_stale(self, app: Quart) -> None:
        client = app.test_client()
        await client.post("/in/ada", headers=self.HERE)
        await client.get("/state", headers=self.ELSEWHERE)
        shown = await (await client.get("/state", headers=self.HERE)).get_json()
        assert (shown["name"], shown["fresh"]) == ("ada", False)

    @pytest.mark.parametrize("by", ["attribute", "configuration"])
    async def test_strong_ends_the_session(self, by: str) -> None:
        app = make_app(**({"SESSION_PROTECTION": "strong"} if by == "configuration" else {}))
        if by == "attribute":
            manager_of(app).session_protection = "strong"
        client = app.test_client()
        async with client.session_transaction() as stored:
            stored["cart"] = [1]
        await client.post("/in/ada?remember=1", headers=self.HERE)
        assert (await client.get("/secret", headers=self.ELSEWHERE)).status_code == 302
        assert (await client.get("/secret", headers=self.HERE)).status_code == 302
        async with client.session_transaction() as stored:
            assert stored["cart"] == [1]

    async def test_strong_keeps_a_permanent_session(self) -> None:
        app = make_app(SESSION_PROTECTION="strong")
        client = app.test_client()
        await client.post("/in/ada", headers=self.HERE)
        async with client.session_transaction() as stored:
            stored.permanent = True
        shown = await (await client.get("/state", headers=self.ELSEWHERE)).get_json()
        assert (shown["name"], shown["fresh"]) == ("ada", False)

    async def test_a_visitor_without_a_user_gets_no_session(self, app: Quart) -> None:
        client = app.test_client()
        assert "Set-Cookie" not in (await client.get("/state")).headers

    def test_another_mode_is_refused(self, app: Quart) -> None:
        with pytest.raises(SessionProtectionError, match=r"is 'strict'\. Set 'basic', 'strong'"):
            manager_of(app).session_protection = "strict"
        assert manager_of(app).session_protection == "basic"

    async def test_none_looks_at_nothing(self) -> None:
        app = make_app()
        manager_of(app).session_protection = None
        client = app.test_client()
        await client.post("/in/ada", headers=self.HERE)
        shown = await (await client.get("/state", headers=self.ELSEWHERE)).get_json()
        assert shown["fresh"] is True
