"""What applications on Flask-Login rely on: attributes, arguments, signals, fresh sign-ins."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Blueprint, current_app, session, websocket

from quarterdeck.app import Quart
from quarterdeck.login import (
    AnonymousUserMixin,
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_url,
    redirect_next,
    set_login_view,
)

from .login_flask_app import (
    USERS,
    Listener,
    User,
    end_browser,
    make_app,
    make_view,
    manager_of,
    state,
)

pytestmark = pytest.mark.feature("V3")


@pytest.fixture
def app() -> Quart:
    return make_app()


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
