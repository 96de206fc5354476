"""What holds above the stores: lifetimes, round trips, rows that are no sessions."""

from __future__ import annotations

import json
import logging
import pickle
import time
from typing import Any

import msgspec
import pytest
from markupsafe import Markup
from quart import Quart, Response, get_flashed_messages, session
from quart.typing import TestClientProtocol as Client

from quarterdeck.session import Entry, Session, stateless
from tests.kit.conftest import Advance

from .apps import make_app
from .memory import MemoryStore

HOUR = 3600.0


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def config() -> dict[str, Any]:
    """Configuration keys; parametrize for others."""
    return {}


@pytest.fixture
def app(store: MemoryStore, config: dict[str, Any]) -> Quart:
    return make_app(config, store=store)


@pytest.fixture
async def client(app: Quart) -> Client:
    """A browser that has a session."""
    client = app.test_client()
    await client.post("/set", json={"name": "x"})
    return client


async def values(client: Client) -> Any:
    return await (await client.get("/")).get_json()


class TestRoundTrips:
    """How often the store is asked."""

    async def test_none_without_a_cookie(self, app: Quart, store: MemoryStore) -> None:
        await app.test_client().get("/")
        await app.test_client().get("/plain")
        assert not store.calls

    async def test_none_for_a_made_up_cookie(self, app: Quart, store: MemoryStore) -> None:
        client = app.test_client()
        client.set_cookie("localhost", "session", "../../etc/passwd")
        assert await values(client) == {}
        assert not store.calls

    @pytest.mark.parametrize("path", ["/public", "/static/none.css", "/bp/page", "/class"])
    async def test_none_where_stateless(
        self, client: Client, store: MemoryStore, path: str
    ) -> None:
        store.calls.clear()
        response = await client.get(path)
        assert response.status_code == (404 if "static" in path else 200)
        assert not store.calls
        assert "Vary" not in response.headers

    async def test_one_read_to_read(self, client: Client, store: MemoryStore) -> None:
        store.calls.clear()
        assert await values(client) == {"name": "x"}
        assert store.calls == {"read": 1}

    @pytest.mark.hazard("re-saves on every request")
    async def test_same_value_is_no_change(self, client: Client, store: MemoryStore) -> None:
        store.calls.clear()
        await client.post("/set", json={"name": "x"})
        assert store.calls == {"read": 1}

    async def test_one_write_for_a_change(self, client: Client, store: MemoryStore) -> None:
        store.calls.clear()
        await client.post("/set", json={"name": "y"})
        assert store.calls == {"read": 1, "replace": 1}

    @pytest.mark.parametrize("config", [{"SESSION_CLEANUP_N_REQUESTS": 1}])
    async def test_clean_up(self, app: Quart, store: MemoryStore) -> None:
        async with app.test_app():
            await app.test_client().post("/set", json={"name": "x"})
        assert store.calls["clean_up"] == 1


class TestStateless:
    @pytest.mark.parametrize("cookie", [True, False])
    async def test_use_is_an_error_with_and_without_cookie(
        self, app: Quart, client: Client, caplog: pytest.LogCaptureFixture, cookie: bool
    ) -> None:
        visitor = client if cookie else app.test_client()
        response = await visitor.get("/wrong")
        assert response.status_code == 500
        assert "'session' was used while 'wrong' was answered, which is stateless" in caplog.text

    async def test_error_page_sees_an_empty_session(self, app: Quart, client: Client) -> None:
        @app.errorhandler(500)
        async def error_page(error: Exception) -> Any:
            return {"session": dict(session)}, 500

        assert await (await client.get("/wrong")).get_json() == {"session": {}}

    @pytest.mark.parametrize("path", ["/static/none.css", "/bp/gone"])
    async def test_other_error_pages_do_too(
        self, app: Quart, client: Client, store: MemoryStore, path: str
    ) -> None:
        @app.errorhandler(404)
        async def error_page(error: Exception) -> Any:
            flashes = get_flashed_messages()
            await session.save()  # type: ignore[attr-defined]  # ours
            session["lost"] = True
            return {"flashes": flashes, "name": session.get("name")}, 404

        store.calls.clear()
        response = await client.get(path)
        assert await response.get_json() == {"flashes": [], "name": None}
        assert not store.calls
        assert "Vary" not in response.headers
        assert await values(client) == {"name": "x"}

    async def test_a_hook_that_fails_after_the_view_has_an_error_page(
        self, app: Quart, client: Client
    ) -> None:
        @app.after_request
        async def fail(response: Response) -> Response:
            raise KeyError("in the hook")

        @app.errorhandler(500)
        async def error_page(error: Exception) -> Any:
            return {"name": session.get("name")}, 500

        assert await (await client.get("/public")).get_json() == {"name": None}

    async def test_mark_above_the_route(self, app: Quart) -> None:
        @stateless
        @app.get("/above")
        async def above() -> Any:
            return dict(session)

        assert (await app.test_client().get("/above")).status_code == 500


class TestLifetimes:
    @pytest.mark.parametrize("config", [{"SESSION_IDLE_SECONDS": HOUR}])
    async def test_idle(self, client: Client, advance: Advance) -> None:
        advance(HOUR - 5)
        assert await values(client) == {"name": "x"}
        advance(HOUR + 5)
        assert await values(client) == {}

    @pytest.mark.hazard("lifetime never refreshed")
    @pytest.mark.parametrize("config", [{"SESSION_IDLE_SECONDS": HOUR}])
    async def test_reading_extends_it_without_a_write_each(
        self, client: Client, store: MemoryStore, advance: Advance
    ) -> None:
        for _ in range(200):
            advance(60)
            assert await values(client) == {"name": "x"}
        assert 20 <= store.calls["replace"] <= 34  # every sixth minute, not every request

    @pytest.mark.parametrize(
        "config", [{"SESSION_IDLE_SECONDS": HOUR, "SESSION_REFRESH_EACH_REQUEST": False}]
    )
    async def test_fixed_when_not_refreshed(
        self, client: Client, store: MemoryStore, advance: Advance
    ) -> None:
        advance(HOUR - 5)
        assert await values(client) == {"name": "x"}
        advance(10)
        assert await values(client) == {}
        assert not store.calls["replace"]

    @pytest.mark.parametrize(
        "config", [{"SESSION_IDLE_SECONDS": HOUR, "SESSION_ABSOLUTE_SECONDS": 3 * HOUR}]
    )
    async def test_absolute(self, client: Client, advance: Advance) -> None:
        for _ in range(5):
            advance(HOUR / 2)
            await client.post("/set", json={"at": time.time()})
            assert (await values(client))["name"] == "x"
        advance(HOUR / 2 + 5)
        assert await values(client) == {}

    @pytest.mark.parametrize("config", [{"SESSION_ABSOLUTE_SECONDS": 3 * HOUR}])
    async def test_absolute_begins_again_at_sign_in(self, client: Client, advance: Advance) -> None:
        advance(2 * HOUR)
        await client.post("/sign-in/7")
        advance(2 * HOUR)
        assert await values(client) == {"_user_id": "7"}

    @pytest.mark.parametrize("config", [{"SESSION_ABSOLUTE_SECONDS": 3 * HOUR}])
    async def test_absolute_goes_on_over_a_new_id(self, client: Client, advance: Advance) -> None:
        advance(2 * HOUR)
        await client.post("/regenerate")
        advance(2 * HOUR)
        assert await values(client) == {}

    async def test_row_tells_its_end_to_the_store(self, client: Client, store: MemoryStore) -> None:
        (entry, _), *_ = store.rows.values()
        assert entry.expires == pytest.approx(time.time() + HOUR, abs=60)
        await client.post("/sign-in/7")
        (entry, _), *_ = store.rows.values()
        assert entry.expires == pytest.approx(time.time() + 31 * 24 * HOUR, abs=60)


class TestRows:
    async def test_id_is_not_in_the_store(self, client: Any, store: MemoryStore) -> None:
        (key,) = store.rows
        (cookie,) = client.cookie_jar
        assert len(cookie.value) == 43  # 256 bits
        assert cookie.value not in key
        assert key.startswith("session:")

    @pytest.mark.hazard("pickle fallback on load")
    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param(pickle.dumps({"name": "x"}), id="pickled dict"),
            pytest.param(pickle.dumps([1.0, 2.0, {"name": "x"}]), id="pickled row"),
            pytest.param(b"", id="nothing"),
            pytest.param(b"\x00", id="number"),
            pytest.param(b"\xff" * 10, id="noise"),
            pytest.param(json.dumps({"name": "x"}).encode(), id="json"),
            pytest.param(msgspec.msgpack.encode({"name": "x"}), id="dict alone"),
            pytest.param(msgspec.msgpack.encode([1.0, 9e9, ["name"]]), id="list"),
            pytest.param(
                msgspec.msgpack.encode([1.0, 9e9, {"name": msgspec.msgpack.Ext(9, b"x")}]),
                id="unknown type",
            ),
        ],
    )
    async def test_what_is_no_session(
        self, client: Client, store: MemoryStore, payload: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        for key, (entry, version) in store.rows.items():
            store.rows[key] = Entry(payload, entry.expires, None), version
        with caplog.at_level(logging.WARNING, "quarterdeck.session"):
            assert await values(client) == {}
        assert "session row ignored" in caplog.text
        await client.post("/set", json={"name": "y"})
        assert await values(client) == {"name": "y"}

    @pytest.mark.parametrize("config", [{"SESSION_SERIALIZATION_FORMAT": "json"}])
    async def test_json_rows(self, client: Client, store: MemoryStore) -> None:
        (entry, _), *_ = store.rows.values()
        assert json.loads(entry.payload)[2] == {"name": "x"}
        assert await values(client) == {"name": "x"}

    @pytest.mark.parametrize("form", ["msgpack", "json"])
    async def test_what_cannot_be_stored(self, store: MemoryStore, form: str) -> None:
        app = make_app({"SESSION_SERIALIZATION_FORMAT": form}, store=store)
        app.config["PROPAGATE_EXCEPTIONS"] = True

        @app.post("/bad")
        async def bad() -> str:
            session["good"] = 1
            session["bad"] = [object()]
            return ""

        with pytest.raises(
            TypeError, match=r"'session\['bad'\]' cannot be stored: a value of type"
        ):
            await app.test_client().post("/bad")
        assert not store.rows

    async def test_keys_are_text(self, app: Quart) -> None:
        async with app.test_request_context("/"):
            with pytest.raises(TypeError, match="has a key that is not text"):
                session[1] = "x"  # type: ignore[index]

    @pytest.mark.parametrize(
        ("form", "back"), [("msgpack", Markup), ("json", str)], ids=["msgpack", "json"]
    )
    async def test_markup(self, store: MemoryStore, form: str, back: type) -> None:
        app = make_app({"SESSION_SERIALIZATION_FORMAT": form}, store=store)
        client = app.test_client()
        async with client.session_transaction() as stored:
            stored["text"] = Markup("<b>")
        async with client.session_transaction() as stored:
            assert type(stored["text"]) is back
            assert stored["text"] == "<b>"


class TestListing:
    @pytest.fixture
    def sessions(self) -> Session:
        return Session()

    async def test_find_and_end(self, app: Quart, store: MemoryStore, sessions: Session) -> None:
        clients = [app.test_client() for _ in range(3)]
        for client, user in zip(clients, "778", strict=True):
            await client.post(f"/sign-in/{user}")
        async with app.app_context():
            found = await sessions.find(7)
            assert len(found) == 2
            assert found[0].seen >= found[1].seen
            assert found[0].created <= found[0].seen < found[0].expires
            assert await sessions.end(7, only=found[0].key) == 1
            assert await sessions.end(7) == 1
            assert await sessions.end(7) == 0
        assert [await values(client) for client in clients] == [{}, {}, {"_user_id": "8"}]

    async def test_end_the_others(self, app: Quart, sessions: Session) -> None:
        @app.post("/end-others")
        async def end_others() -> Any:
            return {"ended": await sessions.end("7", keep=session.key)}  # type: ignore[attr-defined]

        here, there = app.test_client(), app.test_client()
        await here.post("/sign-in/7")
        await there.post("/sign-in/7")
        assert await (await here.post("/end-others")).get_json() == {"ended": 1}
        assert [await values(here), await values(there)] == [{"_user_id": "7"}, {}]

    async def test_expired_ones_are_not_listed(
        self, app: Quart, sessions: Session, advance: Advance
    ) -> None:
        await app.test_client().post("/sign-in/7")
        advance(32 * 24 * HOUR)
        async with app.app_context():
            assert await sessions.find("7") == []
