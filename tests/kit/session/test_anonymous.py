"""Sessions before sign-in: no row for a CSRF token alone, and an hour for everything else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart, render_template_string, session

from quarterdeck.app import Quart as OurQuart
from quarterdeck.login import LoginManager, UserMixin, login_user, logout_user
from quarterdeck.session.csrf_cookie import CSRF_KEY
from quarterdeck.wtf import CSRFProtect
from quarterdeck.wtf.tokens import SESSION_KEY
from tests.kit.conftest import Advance

from .apps import Gate, make_app
from .conftest import STORES
from .memory import MemoryStore

HOUR = 3600.0
DAY = 24 * HOUR
CSRF_COOKIE = "session_csrf"


class User(UserMixin):
    id = "7"


def add_forms(app: Quart) -> Quart:
    """Protect the app, and give it a form and a sign-in."""
    manager = LoginManager(app)

    @manager.user_loader
    async def load(user_id: str) -> User:
        return User()

    CSRFProtect(app)

    @app.get("/form")
    async def form() -> str:
        return await render_template_string("{{ csrf_token() }}")

    @app.get("/slow-form")
    async def slow_form() -> str:
        token = await form()
        gate: Gate = app.extensions["gate"]
        await gate.wait()
        return token

    @app.post("/send")
    async def send() -> str:
        return "sent"

    @app.post("/in")
    async def log_in() -> str:
        login_user(User())
        return ""

    @app.post("/out")
    async def log_out() -> str:
        logout_user()
        await form()
        return ""

    @app.get("/key")
    async def key() -> Any:
        session.regenerate()  # type: ignore[attr-defined]  # ours
        return {"key": session.key}  # type: ignore[attr-defined]

    return app


@pytest.fixture(params=[Quart, OurQuart], ids=["Quart", "quarterdeck"])
def app_class(request: pytest.FixtureRequest) -> type[Quart]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def config() -> dict[str, Any]:
    """Configuration keys; parametrize for others."""
    return {}


@pytest.fixture
async def app(
    app_class: type[Quart], store: MemoryStore, config: dict[str, Any]
) -> AsyncIterator[Quart]:
    app = add_forms(make_app(config, store=store, app_class=app_class))
    async with app.test_app():
        yield app


@pytest.fixture
def browser(app: Quart) -> Any:
    return app.test_client()


async def token(browser: Any, path: str = "/form") -> str:
    response = await browser.get(path)
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


async def post(browser: Any, path: str, csrf_token: str, **options: Any) -> int:
    response = await browser.post(path, headers={"X-CSRFToken": csrf_token}, **options)
    return int(response.status_code)


def cookies(browser: Any) -> dict[str, str]:
    return {cookie.name: cookie.value for cookie in browser.cookie_jar}


def test_both_rooms_name_the_same_key() -> None:
    assert CSRF_KEY == SESSION_KEY


@pytest.mark.feature("S2")
class TestTokenAlone:
    async def test_pages_with_forms_do_not_use_the_store(
        self, app: Quart, store: MemoryStore
    ) -> None:
        for _ in range(200):
            visitor = app.test_client()
            assert await post(visitor, "/send", await token(visitor)) == 200
        assert not store.calls

    async def test_one_browser_keeps_its_secret(self, browser: Any) -> None:
        first = await token(browser)
        secret = cookies(browser)
        assert secret.keys() == {CSRF_COOKIE}
        second = await token(browser)
        assert cookies(browser) == secret
        for each in (first, second):
            assert await post(browser, "/send", each) == 200

    async def test_unchanged_cookie_is_not_sent_again(self, browser: Any) -> None:
        await token(browser)
        response = await browser.get("/form")
        assert "Set-Cookie" not in response.headers
        assert response.headers["Vary"] == "Cookie"

    async def test_a_token_needs_the_cookie_of_its_browser(self, app: Quart, browser: Any) -> None:
        mine = await token(browser)
        assert await post(app.test_client(), "/send", mine) == 400
        other = app.test_client()
        await token(other)
        assert await post(other, "/send", mine) == 400

    async def test_a_forged_cookie_counts_for_nothing(self, browser: Any) -> None:
        mine = await token(browser)
        value = cookies(browser)[CSRF_COOKIE]
        payload, rest = value.split(".", 1)
        for forged in ("", "x", value[:-1], f"{payload[:-4]}AAAA.{rest}"):
            browser.set_cookie("localhost", CSRF_COOKIE, forged)
            assert await post(browser, "/send", mine) == 400
        browser.set_cookie("localhost", CSRF_COOKIE, value)
        assert await post(browser, "/send", mine) == 200

    @pytest.mark.parametrize("config", [{"WTF_CSRF_TIME_LIMIT": None}])
    async def test_it_expires_after_an_hour_without_use(
        self, browser: Any, advance: Advance
    ) -> None:
        mine = await token(browser)
        for _ in range(4):
            advance(HOUR / 2)
            assert await post(browser, "/send", mine) == 200  # each use extends it
        kept = cookies(browser)[CSRF_COOKIE]
        advance(HOUR + 5)
        browser.set_cookie("localhost", CSRF_COOKIE, kept)  # whatever the browser does
        assert await post(browser, "/send", mine) == 400

    @pytest.mark.parametrize("config", [{"SESSION_REFRESH_EACH_REQUEST": False}])
    async def test_use_does_not_extend_it_without_refresh(
        self, browser: Any, advance: Advance
    ) -> None:
        await token(browser)
        before = cookies(browser)
        advance(HOUR / 2)
        await token(browser)
        assert cookies(browser) == before

    @pytest.mark.parametrize("permanent", [True, False])
    async def test_attributes(self, app_class: type[Quart], permanent: bool) -> None:
        config = {
            "SESSION_COOKIE_NAME": "__Host-own",
            "SESSION_COOKIE_SECURE": True,
            "SESSION_PERMANENT": permanent,
        }
        app = add_forms(make_app(config, store=MemoryStore(), app_class=app_class))
        async with app.test_app():
            response = await app.test_client().get("/form", scheme="https")
        name, _, rest = response.headers["Set-Cookie"].partition("=")
        assert name == "__Host-own_csrf"
        attributes = {part for part in rest.split("; ")[1:] if not part.startswith("Expires")}
        assert attributes == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
        assert ("Expires" in rest) is permanent

    async def test_the_choice_of_permanence_is_kept(self, app: Quart) -> None:
        @app.get("/short")
        async def short() -> str:
            session.permanent = False
            return await render_template_string("{{ csrf_token() }}")

        @app.get("/permanent")
        async def permanent() -> Any:
            return {"permanent": session.permanent}

        browser: Any = app.test_client()
        await token(browser, "/short")
        assert cookies(browser).keys() == {CSRF_COOKIE}
        assert await (await browser.get("/permanent")).get_json() == {"permanent": False}

    async def test_keys_rotate(self, app_class: type[Quart]) -> None:
        old: Any = add_forms(make_app({"SECRET_KEY": "old"}, store=MemoryStore())).test_client()
        mine = await token(old)
        for keys, status in (
            ({"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old"]}, 200),
            ({"SECRET_KEY": "new", "WTF_CSRF_SECRET_KEY": "old"}, 400),
        ):
            app = add_forms(make_app(keys, store=MemoryStore(), app_class=app_class))
            new = app.test_client()
            new.set_cookie("localhost", CSRF_COOKIE, cookies(old)[CSRF_COOKIE])
            assert await post(new, "/send", mine) == status

    @pytest.mark.parametrize("config", [{"SECRET_KEY": None, "WTF_CSRF_SECRET_KEY": "own"}])
    async def test_without_a_secret_key_it_is_a_row(self, browser: Any, store: MemoryStore) -> None:
        browser.set_cookie("localhost", CSRF_COOKIE, "of.a.time.with.a.key")
        assert await post(browser, "/send", await token(browser)) == 200
        assert len(store.rows) == 1
        assert "session" in cookies(browser)

    @pytest.mark.parametrize("secret", [7, "x" * 129, ["x"]])
    async def test_another_value_under_its_key_is_a_row(
        self, app: Quart, store: MemoryStore, secret: Any
    ) -> None:
        @app.get("/own")
        async def own() -> str:
            session[CSRF_KEY] = secret
            return ""

        await app.test_client().get("/own")
        assert len(store.rows) == 1

    async def test_a_store_that_is_down_does_not_matter(
        self, browser: Any, store: MemoryStore
    ) -> None:
        store.failure = RuntimeError("down")
        mine = await token(browser)
        assert await post(browser, "/send", mine) == 200
        assert await post(browser, "/in", mine) in {500, 503}  # 500 with Quart's own class
        store.failure = None
        assert await post(browser, "/in", mine) == 200  # with the token of the open page

    async def test_clearing_it_takes_the_cookie_back(self, app: Quart) -> None:
        @app.get("/clear")
        async def clear() -> str:
            session.clear()
            return ""

        browser: Any = app.test_client()
        await token(browser)
        await browser.get("/clear")
        assert not cookies(browser)

    async def test_an_explicit_save_does_not_write_a_row(
        self, app: Quart, store: MemoryStore
    ) -> None:
        @app.get("/saved")
        async def saved() -> str:
            text = await render_template_string("{{ csrf_token() }}")
            await session.save()  # type: ignore[attr-defined]  # ours
            await session.save()  # type: ignore[attr-defined]
            return text

        browser = app.test_client()
        assert await post(browser, "/send", await token(browser, "/saved")) == 200
        assert not store.rows

    async def test_a_websocket_reads_it_and_can_save_nothing_new(
        self, browser: Any, store: MemoryStore
    ) -> None:
        await token(browser)
        async with browser.websocket("/ws") as socket:
            await socket.send_json({"save": True})
            assert (await socket.receive_json()).keys() == {CSRF_KEY}
            await socket.send_json({"set": {"cart": 1}, "save": True})
            assert "needs a new cookie" in (await socket.receive_json())["error"]
        assert not store.rows


@pytest.mark.feature("S2")
class TestSignIn:
    async def test_the_token_becomes_worthless(self, browser: Any, store: MemoryStore) -> None:
        before = await token(browser)
        assert await post(browser, "/in", before) == 200
        assert cookies(browser).keys() == {"session"}
        assert len(store.rows) == 1
        assert await post(browser, "/send", before) == 400
        assert await post(browser, "/send", await token(browser)) == 200

    @pytest.mark.hazard("id unchanged at login")
    async def test_a_planted_cookie_gains_nothing(self, app: Quart, browser: Any) -> None:
        thief: Any = app.test_client()
        planted = await token(thief)
        browser.set_cookie("localhost", CSRF_COOKIE, cookies(thief)[CSRF_COOKIE])
        assert await post(browser, "/in", await token(browser)) == 200
        assert (await (await thief.get("/")).get_json()).keys() == {CSRF_KEY}
        assert await post(browser, "/send", planted) == 400

    async def test_another_site_cannot_sign_a_visitor_in(self, app: Quart, browser: Any) -> None:
        attacker = app.test_client()
        assert await post(browser, "/in", await token(attacker)) == 400
        assert not cookies(browser)

    async def test_a_late_anonymous_page_does_not_sign_out(
        self, app: Quart, browser: Any, advance: Advance
    ) -> None:
        gate: Gate = app.extensions["gate"]
        mine = await token(browser)
        advance(HOUR / 2)  # so that the late page sends its cookie again
        late = asyncio.create_task(browser.get("/slow-form"))
        await gate.until(1)
        assert await post(browser, "/in", mine) == 200
        gate.open()
        assert CSRF_COOKIE in (await late).headers["Set-Cookie"]
        assert (await (await browser.get("/")).get_json())["_user_id"] == "7"
        assert await post(browser, "/send", await token(browser)) == 200

    async def test_sign_out_leaves_no_row(self, browser: Any, store: MemoryStore) -> None:
        await post(browser, "/in", await token(browser))
        signed_in = await token(browser)
        assert await post(browser, "/out", signed_in) == 200  # that page shows a form
        assert not store.rows
        assert cookies(browser).keys() == {CSRF_COOKIE}
        assert await post(browser, "/send", signed_in) == 400
        assert await post(browser, "/send", await token(browser)) == 200


class TestLifetimes:
    """Of sessions that hold more than a token."""

    async def values(self, browser: Any) -> Any:
        return await (await browser.get("/")).get_json()

    async def fill(self, browser: Any, **values: Any) -> None:
        mine = await token(browser)
        assert await post(browser, "/set", mine, json=values) == 200

    @pytest.fixture(params=["memory", "null"])
    def store(self, request: pytest.FixtureRequest) -> MemoryStore | None:
        return MemoryStore() if request.param == "memory" else None

    @pytest.mark.parametrize("config", [{}, {"SESSION_PERMANENT": False}], ids=str)
    async def test_an_hour_without_use(self, browser: Any, advance: Advance) -> None:
        await self.fill(browser, cart=[1])
        for _ in range(4):
            advance(HOUR / 2)
            assert (await self.values(browser))["cart"] == [1]
        kept = cookies(browser)["session"]
        advance(HOUR + 5)
        browser.set_cookie("localhost", "session", kept)
        assert await self.values(browser) == {}

    @pytest.mark.parametrize("config", [{"SESSION_ANONYMOUS_IDLE_SECONDS": 3 * DAY}])
    async def test_as_configured(self, browser: Any, advance: Advance) -> None:
        await self.fill(browser, cart=[1])
        advance(2 * DAY)
        assert (await self.values(browser))["cart"] == [1]
        advance(3 * DAY + 5)
        assert await self.values(browser) == {}

    @pytest.mark.parametrize("config", [{"SESSION_IDLE_SECONDS": 60}])
    async def test_no_longer_than_others(self, browser: Any, advance: Advance) -> None:
        await self.fill(browser, cart=[1])
        advance(65)
        assert await self.values(browser) == {}

    async def test_sign_in_makes_it_long(self, browser: Any, advance: Advance) -> None:
        await self.fill(browser, cart=[1])
        await post(browser, "/in", await token(browser))
        advance(30 * DAY)
        assert (await self.values(browser))["_user_id"] == "7"

    @pytest.mark.parametrize(
        "config", [{"SESSION_OWNER_KEY": "user", "WTF_CSRF_TIME_LIMIT": None}], ids=str
    )
    async def test_an_owner_key_of_the_app(self, browser: Any, advance: Advance) -> None:
        await self.fill(browser, user=7)
        advance(30 * DAY)
        assert (await self.values(browser))["user"] == 7

    async def test_the_cookie_expires_with_it(self, browser: Any, advance: Advance) -> None:
        await self.fill(browser, cart=[1])
        assert (await self.values(browser))["cart"] == [1]
        (cookie,) = [c for c in browser.cookie_jar if c.name == "session"]
        assert cookie.expires == pytest.approx(time.time() + HOUR, abs=60)
        await post(browser, "/in", await token(browser))
        (cookie,) = [c for c in browser.cookie_jar if c.name == "session"]
        assert cookie.expires is None  # login_user without remember


@pytest.mark.parametrize("store_name", ["null", *STORES])
class TestEveryStore:
    @pytest.fixture
    async def app(
        self, store_config: dict[str, Any], app_class: type[Quart]
    ) -> AsyncIterator[Quart]:
        app = add_forms(make_app(store_config, app_class=app_class))
        async with app.test_app():
            yield app

    async def test_one_interface(self, browser: Any, store_name: str) -> None:
        assert await (await browser.get("/key")).get_json() == {"key": None}
        assert await post(browser, "/in", await token(browser)) == 200
        key = (await (await browser.get("/key")).get_json())["key"]
        assert (key is None) is (store_name == "null")

    async def test_no_row_for_a_token(self, browser: Any, store_name: str) -> None:
        mine = await token(browser)
        assert cookies(browser).keys() == {"session" if store_name == "null" else CSRF_COOKIE}
        assert await post(browser, "/send", mine) == 200
        assert await post(browser, "/in", mine) == 200
        assert cookies(browser).keys() == {"session"}
        assert await post(browser, "/send", mine) == 400
        assert await post(browser, "/send", await token(browser)) == 200
