"""Signing in and out, and what a browser session remembers of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from quart import current_app, flash, get_flashed_messages, render_template_string, session
from quart.typing import TestClientProtocol as Client

from quarterdeck.exceptions import (
    ConfigurationError,
    CurrentUserUnavailableError,
    ExtensionAlreadyInitializedError,
    LoginContextError,
    UserLoaderError,
)
from quarterdeck.login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
)
from tests.plain import Quart, until_quart_0_22


@dataclass
class User(UserMixin):
    id: int
    name: str
    is_active: bool = True
    auth_version: int = 1
    roles: set[str] = field(default_factory=set)

    def has_role(self, role: str) -> bool:
        return role in self.roles


@pytest.fixture
def users() -> dict[str, User]:
    return {"1": User(1, "Ada"), "2": User(2, "Bob", is_active=False)}


@pytest.fixture
def app(users: dict[str, User]) -> Quart:
    return make_app(users)


def make_app(users: dict[str, User], **config: Any) -> Quart:
    app = Quart(__name__)
    app.config.update({"SECRET_KEY": "test", "PROPAGATE_EXCEPTIONS": True} | config)
    manager = LoginManager(app)

    @manager.user_loader
    async def load(user_id: str) -> User | None:
        return users.get(user_id)

    @app.post("/in/<user_id>")
    async def sign_in(user_id: str) -> Any:
        from quart import request

        done = login_user(users[user_id], remember="remember" in request.args)
        return {"done": done, "now": current_user.get_id()}

    @app.post("/out")
    async def sign_out() -> Any:
        logout_user()
        return {"now": current_user.get_id()}

    @app.get("/who")
    async def who() -> Any:
        return await render_template_string("{{ current_user.name or 'nobody' }}")

    @app.get("/mine")
    @login_required
    async def mine() -> Any:
        return dict(session)

    return app


@pytest.fixture
async def client(app: Quart) -> AsyncIterator[Client]:
    async with app.test_app() as running:
        yield running.test_client()


async def who(client: Client) -> str:
    return await (await client.get("/who")).get_data(as_text=True)


@pytest.mark.feature("V3", "AP2")
async def test_sign_in_and_out(client: Client) -> None:
    assert await who(client) == "nobody"
    answer = await client.post("/in/1")
    assert await answer.get_json() == {"done": True, "now": "1"}
    assert await who(client) == "Ada"
    assert await (await client.post("/out")).get_json() == {"now": None}
    assert await who(client) == "nobody"


async def test_inactive_user_cannot_sign_in(client: Client) -> None:
    answer = await client.post("/in/2")
    assert await answer.get_json() == {"done": False, "now": None}
    assert await who(client) == "nobody"


@pytest.mark.feature("AP2")
@pytest.mark.parametrize("change", ["deleted", "disabled", "password"])
async def test_out_at_the_next_request(client: Client, users: dict[str, User], change: str) -> None:
    await client.post("/in/1")
    async with client.session_transaction() as stored:
        stored["draft"] = "theirs"
    if change == "deleted":
        del users["1"]
    elif change == "disabled":
        users["1"].is_active = False
    else:
        users["1"].auth_version += 1
    assert (await client.get("/mine")).status_code == 401
    async with client.session_transaction() as stored:
        assert not stored


async def test_sign_in_keeps_the_data_of_the_visitor(client: Client) -> None:
    async with client.session_transaction() as stored:
        stored["csrf_token"] = "planted"
        stored["cart"] = [1, 2]
        stored["_flashes"] = [("info", "hello")]
    await client.post("/in/1")
    kept = await (await client.get("/mine")).get_json()
    own = {"_user_id", "_auth_version", "_fresh", "_id", "_permanent"}
    assert set(kept) == {"_flashes", "cart"} | own


async def test_data_of_another_user_is_dropped(client: Client, users: dict[str, User]) -> None:
    users["3"] = User(3, "Eve")
    await client.post("/in/1")
    async with client.session_transaction() as stored:
        stored["_flashes"] = [("info", "for Ada only")]
        stored["cart"] = [1]
    await client.post("/in/3")
    assert not {"_flashes", "cart"} & set(await (await client.get("/mine")).get_json())


async def test_remember_may_make_the_session_outlive_the_browser(users: dict[str, User]) -> None:
    client = make_app(users, LOGIN_REMEMBER_BY="session").test_client()
    short = await client.post("/in/1")
    assert "Expires" not in short.headers["Set-Cookie"]
    long = await client.post("/in/1?remember=1")
    assert "Expires" in long.headers["Set-Cookie"]


@pytest.mark.hazard("session id unchanged at login")
async def test_session_id_is_renewed(
    app: Quart, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[Any] = []
    session_class = app.session_interface.session_class
    monkeypatch.setattr(
        session_class, "regenerate", lambda stored: renewed.append(dict(stored)), raising=False
    )
    await client.post("/in/1")
    await client.post("/out")
    assert renewed == [{}, {}]


@pytest.mark.hazard("Vary: Cookie lost on pages that only read the session")
async def test_reading_the_user_says_so_to_caches(client: Client) -> None:
    assert "Cookie" in (await client.get("/who")).headers["Vary"]


async def test_a_failing_loader_leaves_nobody_signed_in(app: Quart, client: Client) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    await client.post("/in/1")

    async def broken(user_id: str) -> None:
        raise OSError("database is down")

    app.extensions["login"].manager.user_loader(broken)

    @app.errorhandler(500)
    async def page(error: Exception) -> Any:
        return await render_template_string("{{ current_user.is_authenticated }}"), 500

    answer = await client.get("/who")
    assert (answer.status_code, await answer.get_data(as_text=True)) == (500, "False")


async def test_a_synchronous_loader_works(app: Quart, client: Client, users: Any) -> None:
    app.extensions["login"].manager.user_loader(users.get)
    await client.post("/in/1")
    assert await who(client) == "Ada"


@until_quart_0_22  # a background task has no request there
async def test_a_task_started_by_a_view_belongs_to_the_same_user(
    app: Quart, client: Client
) -> None:
    seen = []

    @app.get("/later")
    async def later() -> Any:
        async def work() -> None:
            async with current_app.app_context():
                seen.append(current_user.name)

        app.add_background_task(work)
        return ""

    await client.post("/in/1")
    await client.get("/later")
    await app.shutdown()
    assert seen == ["Ada"]


async def test_outside_of_a_request(app: Quart, users: dict[str, User]) -> None:
    with pytest.raises(CurrentUserUnavailableError, match="Pass the user"):
        _ = current_user.name
    async with app.app_context():
        with pytest.raises(CurrentUserUnavailableError):
            _ = current_user.name
        with pytest.raises(LoginContextError, match="'login_user' works only"):
            login_user(users["1"])
        with pytest.raises(LoginContextError, match="'logout_user' works only"):
            logout_user()


async def test_before_the_hook_nobody_is_signed_in(app: Quart) -> None:
    async with app.test_request_context("/"):
        assert not current_user
        assert not current_user.has_role("admin")
        assert not current_user.has_permission("read")


async def test_messages_survive_sign_in(app: Quart) -> None:
    async with app.test_request_context("/"):
        await flash("welcome")
        login_user(User(1, "Ada"))
        assert get_flashed_messages() == ["welcome"]


async def test_loader_is_needed() -> None:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", PROPAGATE_EXCEPTIONS=True)
    LoginManager(app)
    app.route("/")(lambda: "")
    client = app.test_client()
    assert (await client.get("/")).status_code == 200
    async with client.session_transaction() as stored:
        stored["_user_id"] = "1"
    with pytest.raises(UserLoaderError, match="is missing"):
        await client.get("/")


async def test_loader_must_return_a_user(app: Quart, client: Client, users: Any) -> None:
    await client.post("/in/1")
    users["1"] = "Ada"
    with pytest.raises(UserLoaderError, match="returned 'Ada'"):
        await client.get("/who")


def test_init_app_twice(app: Quart) -> None:
    with pytest.raises(ExtensionAlreadyInitializedError):
        LoginManager(app)


def test_configuration_is_checked_at_once() -> None:
    app = Quart(__name__)
    app.config["LOGIN_HASH_WORKERS"] = 0
    with pytest.raises(ConfigurationError, match="LOGIN_HASH_WORKERS"):
        LoginManager(app)
    assert "login" not in app.extensions


def test_one_manager_serves_two_apps() -> None:
    manager = LoginManager()
    for view in ("first.login", "second.login"):
        app = Quart(__name__)
        app.config["LOGIN_VIEW"] = view
        manager.init_app(app)
        assert app.extensions["login"].login_view == view
