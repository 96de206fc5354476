"""What applications on Flask-Login rely on: attributes, arguments, signals, fresh sign-ins."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from itsdangerous import URLSafeSerializer
from quart import Blueprint, current_app, get_flashed_messages, request, session, websocket
from werkzeug.http import parse_cookie

from quarterdeck.app import Quart
from quarterdeck.exceptions import SessionProtectionError
from quarterdeck.login import (
    AnonymousUserMixin,
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_fresh,
    login_remembered,
    login_required,
    login_url,
    login_user,
    logout_user,
    redirect_next,
    session_protected,
    set_login_view,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
    user_needs_refresh,
    user_unauthorized,
)
from quarterdeck.testing import LoginClient

pytestmark = pytest.mark.feature("V3")


class User(UserMixin):
    def __init__(self, user_id: str, is_active: bool = True, auth_version: int = 1) -> None:
        self.id, self.is_active, self.auth_version = user_id, is_active, auth_version


USERS = {"ada": User("ada"), "bob": User("bob", is_active=False)}


def make_app(**config: Any) -> Quart:
    app = Quart(__name__)
    app.config.update({"SECRET_KEY": "test", "TESTING": True} | config)
    app.test_client_class = LoginClient
    manager = LoginManager(app)
    manager.login_view = "login"

    @manager.user_loader
    async def load(user_id: str) -> User | None:
        return USERS.get(user_id)

    @app.get("/login")
    async def login() -> Any:
        return get_flashed_messages(with_categories=True)

    @app.post("/in/<name>")
    async def sign_in(name: str) -> Any:
        options: dict[str, Any] = {key: True for key in request.args if key != "seconds"}
        if "seconds" in request.args:
            options["duration"] = timedelta(seconds=int(request.args["seconds"]))
        if "stale" in options:
            options["fresh"] = not options.pop("stale")
        return str(login_user(USERS[name], **options))

    @app.post("/out")
    async def sign_out() -> Any:
        return str(logout_user())

    @app.get("/state")
    async def state() -> Any:
        name = current_user.id if current_user.is_authenticated else None
        return {"name": name, "fresh": login_fresh(), "remembered": login_remembered()}

    @app.post("/confirm")
    async def confirm() -> str:
        confirm_login()
        return ""

    app.add_url_rule("/secret", "secret", login_required(make_view()), methods=["GET", "POST"])
    app.add_url_rule("/fresh", "fresh", fresh_login_required(make_view()))
    return app


def make_view() -> Any:
    """A new view each time: a mark stays on the function it was put on."""

    async def view() -> str:
        return "hello"

    return view


@pytest.fixture
def app() -> Quart:
    return make_app()


def manager_of(app: Quart) -> LoginManager:
    manager: LoginManager = app.login_manager  # type: ignore[attr-defined]
    return manager


async def state(client: Any) -> Any:
    return await (await client.get("/state")).get_json()


def end_browser(client: Any) -> None:
    """Drop the cookies that do not outlive the browser."""
    for cookie in list(client.cookie_jar):
        if cookie.expires is None:
            client.cookie_jar.clear(cookie.domain, cookie.path, cookie.name)


class TestMessages:
    async def flashed(self, app: Quart, path: str = "/secret", **user: Any) -> Any:
        client = app.test_client(**user)
        response = await client.get(path)
        assert response.status_code == 302
        return await (await client.get("/login")).get_json()

    async def test_of_the_manager(self, app: Quart) -> None:
        manager_of(app).login_message = "Please log in."
        manager_of(app).login_message_category = "warning"
        assert await self.flashed(app) == [["warning", "Please log in."]]

    async def test_none_flashes_nothing(self, app: Quart) -> None:
        manager_of(app).login_message = None
        assert await self.flashed(app) == []

    async def test_of_the_configuration_unless_the_manager_has_another(self) -> None:
        app = make_app(LOGIN_MESSAGE="Configured.", LOGIN_MESSAGE_CATEGORY="error")
        assert await self.flashed(app) == [["error", "Configured."]]

    @pytest.mark.parametrize("asynchronous", [False, True])
    async def test_are_translated(self, app: Quart, asynchronous: bool) -> None:
        async def later(message: str) -> str:
            return message.upper()

        manager_of(app).login_message = "Anmelden"
        manager_of(app).localize_callback = later if asynchronous else str.upper
        assert await self.flashed(app) == [["info", "ANMELDEN"]]

    async def test_for_a_fresh_sign_in(self, app: Quart) -> None:
        manager = manager_of(app)
        manager.refresh_view = "login"
        manager.needs_refresh_message = "Again, please."
        manager.needs_refresh_message_category = "danger"
        user = {"user": USERS["ada"], "fresh_login": False}
        assert await self.flashed(app, "/fresh", **user) == [["danger", "Again, please."]]


class TestAnonymousUser:
    async def test_of_a_class_of_the_app(self, app: Quart) -> None:
        class Anonymous(AnonymousUserMixin):
            def can(self, _permission: str) -> bool:
                return False

        manager_of(app).anonymous_user = Anonymous

        @app.get("/can")
        async def can() -> Any:
            return {"can": current_user.can("write"), "id": current_user.get_id()}

        assert await (await app.test_client().get("/can")).get_json() == {"can": False, "id": None}
        client = app.test_client(user=USERS["ada"])
        await client.post("/out")
        assert (await client.get("/can")).status_code == 200


class TestUserMixin:
    def test_members(self) -> None:
        class Plain(UserMixin):
            id = 5

        user: Any = Plain()
        assert (user.is_active, user.is_authenticated, user.get_id()) == (True, True, "5")

    def test_an_id_is_needed(self) -> None:
        with pytest.raises(NotImplementedError, match="'UserMixin' has no 'id'"):
            UserMixin().get_id()

    def test_users_are_equal_by_id(self) -> None:
        assert User("ada") == User("ada")
        assert User("ada") != User("bob")
        assert User("ada") != "ada"
        assert len({User("ada"), User("ada")}) == 2

    def test_rows_without_an_id_are_not_equal(self) -> None:
        one, two = User("x"), User("x")
        one.id = two.id = None  # type: ignore[assignment]
        assert one != two
        assert one == one


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


class TestLoginUser:
    async def test_an_inactive_user_by_force(self, app: Quart) -> None:
        client = app.test_client()
        assert await (await client.post("/in/bob")).get_data() == b"False"
        assert await (await client.post("/in/bob?force=1")).get_data() == b"True"
        assert (await state(client))["name"] == "bob"
        await client.post("/confirm")
        assert (await state(client))["name"] == "bob"

    async def test_not_fresh(self, app: Quart) -> None:
        client = app.test_client()
        await client.post("/in/ada?stale=1")
        assert (await state(client))["fresh"] is False

    async def test_another_method_for_the_id(self, app: Quart) -> None:
        manager_of(app).id_attribute = "key"
        USERS["ada"].key = lambda: "ada"  # type: ignore[attr-defined]
        client = app.test_client()
        await client.post("/in/ada")
        assert (await state(client))["name"] == "ada"

    async def test_signing_out_is_true(self, app: Quart) -> None:
        assert await (await app.test_client().post("/out")).get_data() == b"True"


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


class TestUnauthorized:
    async def test_a_view_can_answer_with_it(self, app: Quart) -> None:
        @app.get("/sometimes")
        async def sometimes() -> Any:
            return await current_app.login_manager.unauthorized()  # type: ignore[attr-defined]

        assert (await app.test_client().get("/sometimes")).location == "/login?next=%2Fsometimes"

    async def test_the_next_page_in_the_session(self) -> None:
        app = make_app(USE_SESSION_FOR_NEXT=True)

        @app.get("/back")
        async def back() -> Any:
            return redirect_next()

        client = app.test_client()
        assert (await client.get("/secret?page=2")).location == "/login"
        assert (await client.get("/back")).location == "/secret?page=2"
        assert (await client.get("/back")).location == "/"

    async def test_disabled_for_tests(self, app: Quart) -> None:
        client = app.test_client()
        app.config["LOGIN_DISABLED"] = True
        assert (await client.get("/secret")).status_code == 200
        assert (await client.get("/fresh")).status_code == 200
        for off in (False, "false", "0"):  # as an environment variable holds it
            app.config["LOGIN_DISABLED"] = off
            assert (await client.get("/secret")).status_code == 302

    async def test_the_sign_in_page_of_a_blueprint(self, app: Quart) -> None:
        shop = Blueprint("shop", __name__, url_prefix="/shop")
        shop.add_url_rule("/", "index", login_required(make_view()))
        app.register_blueprint(shop)
        async with app.app_context():
            set_login_view("/enter")
            set_login_view("/shop/enter", blueprint=shop)
        client = app.test_client()
        assert (await client.get("/secret")).location == "/enter?next=%2Fsecret"
        assert (await client.get("/shop/")).location == "/shop/enter?next=%2Fshop%2F"


async def test_the_address_of_the_sign_in_page(app: Quart) -> None:
    async with app.test_request_context("/"):
        assert login_url("login") == "/login"
        assert login_url("/in?a=1&next=old", "http://x/y?z=1") == "/in?a=1&next=%2Fy%3Fz%3D1"
        assert login_url("https://id.example/in", "http://x/y", "to") == (
            "https://id.example/in?to=http%3A%2F%2Fx%2Fy"
        )


class Listener:
    """The names of the signals that were sent, with their users."""

    SIGNALS: dict[str, Any] = {
        "in": user_logged_in,
        "out": user_logged_out,
        "cookie": user_loaded_from_cookie,
        "request": user_loaded_from_request,
        "confirmed": user_login_confirmed,
        "unauthorized": user_unauthorized,
        "refresh": user_needs_refresh,
        "accessed": user_accessed,
        "protected": session_protected,
    }

    def __init__(self, app: Quart, *, asynchronous: bool) -> None:
        self.seen: list[tuple[str, Any]] = []
        self._receivers = [self._receiver(name, asynchronous) for name in self.SIGNALS]
        for signal, receiver in zip(self.SIGNALS.values(), self._receivers, strict=True):
            signal.connect(receiver, app)

    def _receiver(self, name: str, asynchronous: bool) -> Callable[..., Any]:
        def receive(_app: Quart, user: Any = None) -> None:
            self.seen.append((name, user and user.get_id()))

        async def receive_async(_app: Quart, user: Any = None) -> None:
            receive(_app, user)

        return receive_async if asynchronous else receive

    def take(self) -> list[tuple[str, Any]]:
        seen, self.seen = self.seen, []
        return [each for each in seen if each[0] != "accessed"]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_the_nine_signals(app: Quart, asynchronous: bool) -> None:
    listener = Listener(app, asynchronous=asynchronous)
    client = app.test_client()
    await client.get("/secret")
    assert [name for name, _ in listener.seen] == ["accessed", "unauthorized"]
    listener.take()
    await client.post("/in/ada?remember=1", headers={"User-Agent": "one"})
    assert listener.take() == [("in", "ada")]
    await client.get("/fresh", headers={"User-Agent": "two"})
    assert listener.take() == [("protected", None), ("refresh", None)]
    await client.post("/confirm")
    assert ("confirmed", None) in listener.take()
    end_browser(client)
    await state(client)
    assert listener.take() == [("cookie", "ada")]
    await client.post("/out")
    assert listener.take() == [("out", "ada")]

    manager_of(app).request_loader(lambda _request: USERS["ada"])
    await state(client)
    assert listener.take() == [("request", "ada")]


async def test_templates_may_go_without_the_user() -> None:
    app = Quart(__name__)
    LoginManager(app, add_context_processor=False)
    assert "current_user" not in app.jinja_env.globals


class TestClient:
    async def test_it_is_signed_in(self, app: Quart) -> None:
        client = app.test_client(user=USERS["ada"])
        assert await state(client) == {"name": "ada", "fresh": True, "remembered": False}

    async def test_another_user_later(self, app: Quart) -> None:
        client: Any = app.test_client(user=USERS["ada"])
        await client.get("/state")
        await client.sign_in(USERS["ada"], fresh=False)
        assert (await state(client))["fresh"] is False

    async def test_a_websocket(self, app: Quart) -> None:
        @app.websocket("/ws")
        @login_required
        async def ws() -> None:
            await websocket.send(current_user.id)

        async with app.test_client(user=USERS["ada"]).websocket("/ws") as connection:
            assert await connection.receive() == "ada"

    async def test_the_session_keeps_the_rest(self, app: Quart) -> None:
        @app.get("/cart")
        async def cart() -> Any:
            return {"cart": session.get("cart")}

        client = app.test_client(user=USERS["ada"])
        async with client.session_transaction() as stored:
            stored["cart"] = [1]
        assert await (await client.get("/cart")).get_json() == {"cart": [1]}
