"""The browser session over HTTP, with every store and both application objects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from quarterdeck.app import Quart as OurQuart
from tests.plain import QUART
from tests.plain import Quart as PlainQuart

from .apps import Gate, make_app
from .conftest import STORES

# A cookie session has no id and no row; of two cookies the browser keeps the later one.
on_the_server = pytest.mark.parametrize("store_name", STORES)

CHANGED = {"text": "é", "number": 7, "list": [1, {"a": None}], "true": True, "float": 0.5}


@pytest.fixture(params=[PlainQuart, OurQuart], ids=["Quart", "quarterdeck"])
async def app(request: pytest.FixtureRequest, store_config: dict[str, Any]) -> AsyncIterator[Quart]:
    app = make_app(store_config, app_class=request.param)
    async with app.test_app():
        yield app


@pytest.fixture
def client(app: Quart) -> Client:
    return app.test_client()


async def get(client: Client, path: str = "/") -> Any:
    response = await client.get(path)
    assert response.status_code == 200, await response.get_data(as_text=True)
    return await response.get_json()


async def post(client: Client, path: str, **json: Any) -> Any:
    response = await client.post(path, json=json)
    assert response.status_code == 200, await response.get_data(as_text=True)
    return response


def session_id(client: Any) -> str | None:
    return next((cookie.value for cookie in client.cookie_jar if cookie.name == "session"), None)


def same_browser(app: Quart, client: Any) -> Any:
    """Another client with the cookies of the first."""
    copy: Any = app.test_client()
    for cookie in client.cookie_jar:
        copy.cookie_jar.set_cookie(cookie)
    return copy


@pytest.mark.feature("S1", "S2")
async def test_values_come_back(client: Client) -> None:
    assert await get(client) == {}
    await post(client, "/set", **CHANGED)
    assert await get(client) == CHANGED
    assert await (await post(client, "/pop/number")).get_json() == {"popped": 7}
    assert "number" not in await get(client)


@on_the_server
async def test_change_deep_inside_a_value(client: Client) -> None:
    await post(client, "/set", list=[])
    await post(client, "/append/list")
    assert await get(client) == {"list": [1]}


@pytest.mark.feature("F1")
async def test_flashes_are_shown_once(client: Client) -> None:
    await post(client, "/flash")
    shown = await get(client, "/flashes")
    assert shown == [["success", "saved", False], ["message", "<b>bold</b>", True]]
    assert await get(client, "/flashes") == []


async def test_browsers_do_not_share(app: Quart) -> None:
    one, two = app.test_client(), app.test_client()
    await post(one, "/set", name="one")
    await post(two, "/set", name="two")
    assert await get(one) == {"name": "one"}
    assert await get(two) == {"name": "two"}


@on_the_server
@pytest.mark.feature("S2")
@pytest.mark.hazard("id unchanged at login")
async def test_new_id_at_sign_in(app: Quart, client: Client) -> None:
    await post(client, "/set", draft=1)
    before = session_id(client)
    thief = same_browser(app, client)
    await post(client, "/sign-in/7")
    assert session_id(client) != before
    assert await get(client) == {"_user_id": "7"}
    assert await get(thief) == {}


@on_the_server
async def test_regenerate_keeps_the_values(app: Quart, client: Client) -> None:
    await post(client, "/set", draft=1)
    before, old = session_id(client), same_browser(app, client)
    await post(client, "/regenerate")
    assert session_id(client) not in {None, before}
    assert await get(client) == {"draft": 1}
    assert await get(old) == {}


@on_the_server
@pytest.mark.feature("S2")
async def test_sign_out_deletes(app: Quart, client: Client) -> None:
    await post(client, "/sign-in/7")
    copied = same_browser(app, client)
    await post(client, "/sign-out")
    assert session_id(client) is None
    assert await get(copied) == {}


@on_the_server
@pytest.mark.hazard("logout undone by a concurrent request")
@pytest.mark.parametrize("page", ["/slow/late", "/slow-regenerate"])
async def test_a_late_request_brings_nothing_back(app: Quart, client: Client, page: str) -> None:
    gate: Gate = app.extensions["gate"]
    await post(client, "/sign-in/7")
    late: Any = same_browser(app, client)
    under_way = asyncio.create_task(post(late, page))
    await gate.until(1)
    await post(client, "/sign-out")
    gate.open()
    await under_way
    assert await get(late) == {}


@on_the_server
@pytest.mark.hazard("8 parallel writes keep 1")
async def test_concurrent_changes_all_survive(app: Quart, client: Client) -> None:
    gate: Gate = app.extensions["gate"]
    await post(client, "/set", kept=1, overwritten=1)
    requests = [
        asyncio.create_task(post(same_browser(app, client), f"/slow/key{number}"))
        for number in range(8)
    ]
    await gate.until(8)
    await post(client, "/pop/overwritten")
    gate.open()
    await asyncio.gather(*requests)
    assert await get(client) == {"kept": 1} | {f"key{n}": f"key{n}" for n in range(8)}


@pytest.mark.hazard("made-up ids adopted")
@pytest.mark.parametrize("made_up", ["x" * 43, "short", "", "with space", "é" * 43, "../" * 20])
async def test_made_up_ids_are_not_adopted(app: Quart, client: Any, made_up: str) -> None:
    client.set_cookie("localhost", "session", made_up)
    assert await get(client) == {}
    await post(client, "/set", name="x")
    assert session_id(client) not in {None, made_up}
    assert await get(client) == {"name": "x"}


@pytest.mark.hazard("Vary: Cookie lost on pages that only read")
async def test_vary(app: Quart, client: Client) -> None:
    if not isinstance(app, OurQuart) and QUART > (0, 22):
        pytest.skip("stock Quart 0.23 reads the session of every request")
    for path, vary in {"/": "Cookie", "/plain": None, "/public": None}.items():
        assert (await client.get(path)).headers.get("Vary") == vary, path
    await post(client, "/set", name="x")
    for path, vary in {"/": "Cookie", "/plain": None, "/public": None}.items():
        response = await client.get(path)
        assert response.headers.get("Vary") == vary, path
        assert path == "/" or "Set-Cookie" not in response.headers


async def test_test_client_transaction(client: Client) -> None:
    async with client.session_transaction() as stored:
        stored["name"] = "x"
    assert await get(client) == {"name": "x"}
    async with client.session_transaction() as stored:
        assert stored["name"] == "x"
        del stored["name"]
    assert await get(client) == {}
