"""Smaller promises of Flask-Login that applications rely on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from quart import session
from quart.views import MethodView

from quarterdeck.app import Quart
from quarterdeck.exceptions import ConfigurationError
from quarterdeck.login import (
    AnonymousUserMixin,
    LoginManager,
    UserMixin,
    current_user,
    fresh_login_required,
    login_required,
    login_url,
    login_user,
    logout_user,
    make_next_param,
    set_login_view,
)

from .login_flask_app import USERS, Listener, User, end_browser, make_app, manager_of, state

pytestmark = pytest.mark.feature("V3")

ELSEWHERE = {"User-Agent": "another"}


@pytest.fixture
def app() -> Quart:
    return make_app()


async def test_signing_out_an_anonymous_visitor_is_a_signal_too(app: Quart) -> None:
    listener = Listener(app, asynchronous=False)
    async with app.test_request_context("/"):
        login_user(USERS["ada"])
        del session["_user_id"]
        logout_user()
        assert current_user.is_anonymous
    assert [name for name, _ in listener.take()] == ["in", "out"]


async def test_a_confirmed_sign_in_is_fresh_and_stays_remembered(app: Quart) -> None:
    client = app.test_client()
    await client.post("/in/ada?remember=1")
    end_browser(client)
    assert await state(client) == {"name": "ada", "fresh": False, "remembered": True}
    await client.post("/confirm")
    assert await state(client) == {"name": "ada", "fresh": True, "remembered": True}


def test_members_of_an_anonymous_user() -> None:
    user: Any = AnonymousUserMixin()
    assert (user.is_active, user.is_authenticated, user.is_anonymous) == (False, False, True)
    assert user.get_id() is None


async def test_a_view_for_options_is_protected_like_others(app: Quart) -> None:
    class Secret(MethodView):
        decorators = [login_required, fresh_login_required]

        async def get(self) -> str:
            return ""

    class Answering(Secret):
        async def options(self) -> str:
            return "data"

    app.add_url_rule("/automatic", view_func=Secret.as_view("automatic"))
    app.add_url_rule("/own", view_func=Answering.as_view("own"))
    client = app.test_client()
    assert (await client.options("/automatic")).status_code == 200
    assert (await client.options("/own")).status_code == 302


class TestDuration:
    @pytest.mark.parametrize("duration", [172800, "172800", timedelta(days=2)])
    async def test_of_the_configuration(self, duration: Any) -> None:
        client = make_app(REMEMBER_COOKIE_DURATION=duration).test_client()
        cookies = (await client.post("/in/ada?remember=1")).headers.getlist("Set-Cookie")
        assert any("Max-Age=172800" in cookie for cookie in cookies)

    def test_a_wrong_one_stops_the_start(self) -> None:
        with pytest.raises(ConfigurationError, match=r"REMEMBER_COOKIE_DURATION.*soon"):
            make_app(REMEMBER_COOKIE_DURATION="soon")

    @pytest.mark.parametrize("duration", ["soon", -1])
    async def test_a_wrong_argument_is_named(self, app: Quart, duration: Any) -> None:
        async with app.test_request_context("/"):
            with pytest.raises(ValueError, match=rf"'duration' is {duration!r}\. Give a number"):
                login_user(USERS["ada"], remember=True, duration=duration)
            assert current_user.is_anonymous


class TestProtection:
    @pytest.mark.parametrize("mode", ["basic", "strong"])
    async def test_the_same_browser_stays_fresh(self, mode: str) -> None:
        client = make_app(SESSION_PROTECTION=mode).test_client()
        await client.post("/in/ada?remember=1")
        for _ in range(2):
            assert await state(client) == {"name": "ada", "fresh": True, "remembered": True}

    @pytest.mark.parametrize("mode", ["basic", "strong"])
    async def test_a_new_session_by_the_cookie_is_not_suspicious(self, mode: str) -> None:
        app = make_app(SESSION_PROTECTION=mode)
        listener = Listener(app, asynchronous=False)
        client = app.test_client()
        await client.post("/in/ada?remember=1")
        end_browser(client)
        listener.take()
        await client.get("/state", headers=ELSEWHERE)
        assert [name for name, _ in listener.take()] == ["cookie"]

    @pytest.mark.parametrize("permanent", [False, True])
    async def test_strong_protection_sends_its_signal(self, permanent: bool) -> None:
        app = make_app(SESSION_PROTECTION="strong")
        listener = Listener(app, asynchronous=False)
        client = app.test_client()
        await client.post("/in/ada")
        async with client.session_transaction() as stored:
            stored.permanent = permanent
        listener.take()
        await client.get("/state", headers=ELSEWHERE)
        assert [name for name, _ in listener.take()] == ["protected"]

    @pytest.mark.parametrize("mode", [None, "basic", "strong"])
    @pytest.mark.parametrize("fresh", [False, True])
    async def test_a_signed_in_test_client_has_any_address(self, mode: Any, fresh: bool) -> None:
        app = make_app(SESSION_PROTECTION=mode)
        client = app.test_client(user=USERS["ada"], fresh_login=fresh)
        assert await state(client) == {"name": "ada", "fresh": fresh, "remembered": False}

    async def test_no_mode_begins_a_session_for_a_visitor(self) -> None:
        app = make_app(SESSION_PROTECTION=None)
        listener = Listener(app, asynchronous=False)
        client = app.test_client()
        assert (await state(client))["name"] is None
        assert listener.take() == []
        assert not client.cookie_jar


class TestNextInTheSession:
    @pytest.mark.parametrize("mode", ["basic", "strong"])
    async def test_survives_protection(self, mode: str) -> None:
        app = make_app(USE_SESSION_FOR_NEXT=True, SESSION_PROTECTION=mode)
        client = app.test_client()
        assert (await client.get("/secret")).location == "/login"
        await state(client)
        async with client.session_transaction() as stored:
            assert stored["next"] == "/secret"

    async def test_of_a_page_for_fresh_sign_ins(self) -> None:
        app = make_app(USE_SESSION_FOR_NEXT=True)
        manager_of(app).refresh_view = "login"
        client = app.test_client(user=USERS["ada"], fresh_login=False)
        assert (await client.get("/fresh")).location == "/login"
        async with client.session_transaction() as stored:
            assert stored["next"] == "/fresh"


async def test_the_message_for_a_fresh_sign_in_is_translated(app: Quart) -> None:
    manager = manager_of(app)
    manager.refresh_view = "login"
    manager.needs_refresh_message = "Refresh"
    manager.localize_callback = {"Refresh": "Aktualisieren"}.get
    client = app.test_client(user=USERS["ada"], fresh_login=False)
    await client.get("/fresh")
    flashed = await (await client.get("/login")).get_json()
    assert flashed == [["info", "Aktualisieren"]]


async def test_an_id_and_a_name_of_any_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(USERS, "佐藤", User("佐藤"))
    client = make_app().test_client()
    await client.post("/in/佐藤?remember=1")
    end_browser(client)
    assert (await state(client))["name"] == "佐藤"


class TestRequestLoader:
    async def test_an_unknown_user_is_anonymous(self, app: Quart) -> None:
        manager_of(app).request_loader(lambda request: USERS.get(request.args.get("key", "")))
        client = app.test_client()
        assert await (await client.get("/state?key=bob-by-mistake")).get_json() == {
            "name": None,
            "fresh": False,
            "remembered": False,
        }

    async def test_it_may_be_the_only_one(self) -> None:
        """Then the id in the session is there for it alone."""
        app = Quart(__name__)
        app.config.update(SECRET_KEY="test", TESTING=True)
        manager = LoginManager(app)

        @manager.request_loader
        async def load(request: Any) -> User | None:
            return USERS.get(request.args.get("user") or session.get("_user_id", ""))

        @app.get("/in")
        async def sign_in() -> str:
            return str(login_user(USERS["ada"]))

        @app.get("/who")
        @login_required
        async def who() -> str:
            return str(current_user.id)

        assert manager.user_callback is None
        client: Any = app.test_client()
        assert (await client.get("/who")).status_code == 401
        await client.get("/in")
        assert (await client.get("/who")).text == "ada"
        assert (await client.get("/who?user=nobody")).status_code == 401
        assert (await client.get("/who")).text == "ada"


async def test_addresses_of_sign_in_pages(app: Quart) -> None:
    assert login_url("/foo") == "/foo"
    assert make_next_param("/login", "http://localhost/profile") == "/profile"
    for page in ("https://localhost/login", "http://accounts.localhost/login"):
        assert make_next_param(page, "http://localhost/profile") == "http://localhost/profile"
    async with app.test_request_context("/"):
        assert login_url("login", "/protected") == "/login?next=%2Fprotected"
        assert login_url("/login", "http://localhost/p", "n") == "/login?n=%2Fp"
        assert login_url("/login?affil=a", "http://localhost/p") == "/login?affil=a&next=%2Fp"


async def test_endpoints_as_sign_in_pages(app: Quart) -> None:
    async with app.app_context():
        set_login_view("login")
    assert (await app.test_client().get("/secret")).location == "/login?next=%2Fsecret"


async def test_the_address_of_the_visitor_is_not_in_the_redirect(app: Quart) -> None:
    response = await app.test_client().get("/secret", base_url="http://foo.com")
    assert response.location == "/login?next=%2Fsecret"


def test_users_without_a_dictionary() -> None:
    class Slotted(UserMixin):
        __slots__ = ("id",)

        def __init__(self, user_id: int) -> None:
            self.id = user_id

    assert Slotted(1) == Slotted(1)
    assert Slotted(1) != Slotted(2)


async def test_static_files_know_no_user(app: Quart) -> None:
    listener = Listener(app, asynchronous=False)
    async with app.test_client() as client:
        await client.get("/static/favicon.ico")
        assert current_user.is_anonymous
    assert listener.seen == []
