"""The cookie: its attributes, its signature, and the session that is nothing but a cookie."""

from __future__ import annotations

from typing import Any

import pytest
from quart import session

from quarterdeck.app import Quart as OurQuart
from quarterdeck.exceptions import SessionCookieTooLargeError
from quarterdeck.session import Session
from tests.kit.conftest import Advance
from tests.plain import QUART, Quart

from .apps import make_app
from .memory import MemoryStore

HOUR = 3600.0
SECURE = {
    "SESSION_COOKIE_NAME": "__Host-session",
    "SESSION_COOKIE_SECURE": True,
    "SESSION_PERMANENT": False,
}


@pytest.fixture(params=["null", "memory"])
def store(request: pytest.FixtureRequest) -> MemoryStore | None:
    return MemoryStore() if request.param == "memory" else None


def set_cookie(response: Any) -> str:
    return str(response.headers.get("Set-Cookie", ""))


async def values(client: Any) -> Any:
    return await (await client.get("/")).get_json()


@pytest.mark.feature("S1")
async def test_attributes(store: MemoryStore | None) -> None:
    client = make_app(SECURE, store=store).test_client()
    cookie = set_cookie(await client.post("/set", json={"name": "x"}, scheme="https"))
    name, _, rest = cookie.partition("=")
    assert name == "__Host-session"
    assert set(rest.split("; ")[1:]) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


@pytest.mark.feature("S1")
async def test_every_cookie_key(store: MemoryStore | None) -> None:
    keys = {"NAME": "own", "DOMAIN": "example.com", "PATH": "/set", "HTTPONLY": False}
    keys |= {"SAMESITE": "Strict", "SECURE": True, "PARTITIONED": True}
    config = {f"SESSION_COOKIE_{key}": value for key, value in keys.items()}
    client = make_app(config | {"SESSION_PERMANENT": False}, store=store).test_client()
    cookie = set_cookie(await client.post("/set", json={"name": "x"}))
    attributes = {"Secure", "Domain=example.com", "Path=/set", "SameSite=Strict", "Partitioned"}
    assert set(cookie.split("; ")[1:]) == attributes


async def test_taken_back_with_the_same_attributes(store: MemoryStore | None) -> None:
    client: Any = make_app(SECURE, store=store).test_client()
    await client.post("/set", json={"name": "x"}, scheme="https")
    cookie = set_cookie(await client.post("/sign-out", scheme="https"))
    assert cookie.startswith("__Host-session=;")
    assert {"Secure", "HttpOnly", "Path=/", "Max-Age=0"} <= set(cookie.split("; "))
    assert not list(client.cookie_jar)


@pytest.mark.parametrize("permanent", [True, False])
async def test_permanent(store: MemoryStore | None, permanent: bool) -> None:
    app = make_app({"SESSION_PERMANENT": not permanent}, store=store)

    @app.post("/choose")
    async def choose() -> str:
        session.permanent = permanent
        session["name"] = "x"
        return ""

    client = app.test_client()
    assert ("Expires" in set_cookie(await client.post("/choose"))) is permanent
    response = await client.post("/set", json={"name": "y"})
    assert ("Expires" in set_cookie(response)) is permanent


async def test_no_cookie_for_nothing(store: MemoryStore | None) -> None:
    client = make_app(store=store).test_client()
    assert set_cookie(await client.get("/")) == ""
    assert set_cookie(await client.post("/sign-out")) == ""
    assert set_cookie(await client.post("/pop/name")) == ""


async def test_untouched_page_sends_no_cookie(store: MemoryStore | None) -> None:
    # Stock Quart 0.23 reads the session of every request.
    kind = Quart if QUART < (0, 23) else OurQuart
    client = make_app(store=store, app_class=kind).test_client()
    await client.post("/set", json={"name": "x"})
    assert set_cookie(await client.get("/plain")) == ""


@pytest.mark.feature("S1")
@pytest.mark.parametrize("app_class", [Quart, OurQuart], ids=["Quart", "quarterdeck"])
class TestSignedCookie:
    """``SESSION_TYPE`` null."""

    async def test_tampered(self, app_class: type[Quart]) -> None:
        client: Any = make_app(app_class=app_class).test_client()
        await client.post("/set", json={"name": "x"})
        (cookie,) = client.cookie_jar
        for forged in (cookie.value[:-1], "x" + cookie.value, "x", "..", cookie.value + "x"):
            client.set_cookie("localhost", "session", forged)
            assert await values(client) == {}
        client.set_cookie("localhost", "session", cookie.value)
        assert await values(client) == {"name": "x"}

    async def test_idle_and_absolute(self, app_class: type[Quart], advance: Advance) -> None:
        config = {"SESSION_IDLE_SECONDS": HOUR, "SESSION_ABSOLUTE_SECONDS": 2 * HOUR}
        client = make_app(config, app_class=app_class).test_client()
        await client.post("/set", json={"name": "x"})
        for _ in range(3):
            advance(HOUR / 2)
            assert (await values(client))["name"] == "x"  # each use extends the idle lifetime
        advance(HOUR / 2 + 5)
        assert await values(client) == {}
        await client.post("/set", json={"name": "x"})
        advance(HOUR + 5)
        assert await values(client) == {}

    async def test_too_large(self, app_class: type[Quart]) -> None:
        app = make_app({"PROPAGATE_EXCEPTIONS": True}, app_class=app_class)
        client: Any = app.test_client()
        await client.post("/set", json={"name": "x"})
        with pytest.raises(SessionCookieTooLargeError, match="browsers drop those above 4093"):
            await client.post("/set", json={"long": "".join(map(chr, range(256, 4000)))})
        assert await values(client) == {"name": "x"}

    async def test_without_a_secret_key(self, app_class: type[Quart]) -> None:
        app = make_app({"SECRET_KEY": None, "PROPAGATE_EXCEPTIONS": True}, app_class=app_class)
        assert await values(app.test_client()) == {}
        with pytest.raises(RuntimeError, match="no secret key was set"):
            await app.test_client().post("/set", json={"name": "x"})


class TestSigner:
    """``SESSION_USE_SIGNER``."""

    @pytest.mark.hazard("signer gives 500")
    async def test_forged_ids_do_not_reach_the_store(self) -> None:
        store = MemoryStore()
        client: Any = make_app({"SESSION_USE_SIGNER": True}, store=store).test_client()
        await client.post("/set", json={"name": "x"})
        (cookie,) = client.cookie_jar
        assert await values(client) == {"name": "x"}
        store.calls.clear()
        for forged in (cookie.value[:43], cookie.value[:-1], "x" * 43 + cookie.value[43:]):
            client.set_cookie("localhost", "session", forged)
            assert await values(client) == {}
        assert not store.calls

    async def test_keys_rotate(self) -> None:
        store = MemoryStore()
        signed = {"SESSION_USE_SIGNER": True}
        old: Any = make_app(signed | {"SECRET_KEY": "old"}, store=store).test_client()
        await old.post("/set", json={"name": "x"})
        for keys, expected in (
            ({"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old"]}, {"name": "x"}),
            ({"SECRET_KEY": "new"}, {}),
        ):
            new: Any = make_app(signed | keys, store=store).test_client()
            for cookie in old.cookie_jar:
                new.cookie_jar.set_cookie(cookie)
            assert await values(new) == expected


async def test_samesite_is_lax_unless_said() -> None:
    app = Quart(__name__)
    Session(app)
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
