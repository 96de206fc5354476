"""The examples of the application object: one test for each, named after its file."""

from __future__ import annotations

import asyncio
import re
from types import ModuleType

import pytest
from httpx import AsyncClient
from websockets.asyncio.client import connect

from quarterdeck.testing import ServedApp


@pytest.mark.feature("V1")
async def test_hello(browser: AsyncClient) -> None:
    assert (await browser.get("/")).text == "Ahoy!"
    assert (await browser.get("/slow")).text == "Ahoy, at last."


@pytest.mark.feature("R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8")
async def test_routing(browser: AsyncClient, server: ServedApp) -> None:
    host = {"Host": "harbour.localhost:8000"}

    async def text(path: str) -> str:
        return (await browser.get(path, headers=host)).text

    assert (await browser.get("/", headers=host)).json() == {
        "ship": "/ships/7?deck=upper",
        "berth": "http://harbour.localhost:8000/berths/B4#crane",
        "office": "http://oban.harbour.localhost:8000/",
    }
    assert await text("/berths/B4") == "Berth B4"
    assert await text("/call/13912345678") == "Calling 13912345678"
    assert (await browser.get("/call/123", headers=host)).status_code == 404
    assert await text("/logs/2026/may") == "Log 2026/may"
    assert await text("/logs/") == "Log today"
    key = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    assert await text(f"/find/port/{key}") == f"port {key.replace('-', '')}"
    assert (await browser.get("/boats/3", headers=host)).headers["Location"].endswith("/ships/3")
    assert (await browser.put("/anchor", headers=host)).status_code == 204
    refused = await browser.get("/anchor", headers=host)
    assert refused.status_code == 405
    assert set(refused.headers["Allow"].split(", ")) == {"DELETE", "OPTIONS", "PUT"}
    assert await text("/tide/") == "Low"
    office = await browser.get("/", headers={"Host": "oban.harbour.localhost:8000"})
    assert office.text == "The office in oban"


@pytest.mark.feature("V2")
async def test_class_views(browser: AsyncClient) -> None:
    made = await browser.post("/ships/", json={"name": "Endeavour"})
    assert (made.status_code, made.json(), made.headers["X-Ships"]) == (201, {"number": 1}, "1")
    assert (await browser.get("/ships/")).json() == {"1": "Endeavour"}
    assert (await browser.get("/ships/1")).json() == {"name": "Endeavour"}
    assert (await browser.delete("/ships/1")).status_code == 204
    gone = await browser.get("/ships/1")
    assert (gone.status_code, gone.json()) == (404, {"error": "There is no ship 1."})
    assert (await browser.get("/hours")).text == "Always open."


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARBOUR_BERTHS", "12")
    monkeypatch.setenv("HARBOUR_PILOTS", '["Grace"]')


@pytest.mark.feature("C1", "C2", "C3")
@pytest.mark.usefixtures("environment")
async def test_configuration(browser: AsyncClient, example: ModuleType) -> None:
    expected = {"BERTHS": 12, "PILOTS": ["Grace"], "FERRIES": 2, "DEBUG": False}
    assert (await browser.get("/")).json() == expected
    assert example.app.config["SESSION_COOKIE_SECURE"] is True


@pytest.mark.feature("Q1", "Q3", "A1", "A2", "A3", "A4")
async def test_request_response(browser: AsyncClient) -> None:
    echo = await browser.post("/echo?a=1&a=2", data={"b": "3"}, headers={"X-Sender": "ship"})
    assert echo.json() == {
        "method": "POST",
        "path": "/echo",
        "query": {"a": ["1", "2"]},
        "form": {"b": "3"},
        "json": None,
        "ship": True,
    }
    made = await browser.post("/ships", json={"name": "beagle"})
    assert (made.status_code, made.headers["Location"]) == (201, "/ships/beagle")
    assert (await browser.post("/ships", content="x")).status_code == 415
    ship = await browser.get("/ships/beagle")
    assert (ship.text, ship.headers["X-Berth"]) == ("<h1>Beagle</h1>", "B4")
    assert browser.cookies["last"] == "beagle"
    assert (await browser.get("/forget")).headers["Location"] == "/echo"
    assert "last" not in browser.cookies
    sunk = await browser.get("/ships/titanic")
    assert (sunk.status_code, sunk.json()) == (404, {"error": "This ship has sunk."})
    source = await browser.get("/source", headers={"Range": "bytes=0-2"})
    assert (source.status_code, source.text) == (206, '"""')
    cached = await browser.get("/source", headers={"If-None-Match": source.headers["ETag"]})
    assert cached.status_code == 304
    assert (await browser.get("/numbers")).text == "0\n1\n2\n"


@pytest.mark.feature("T1", "T2", "T3")
async def test_templates(browser: AsyncClient) -> None:
    page = (await browser.get("/")).text
    assert "<title>Ships, Harbour</title>" in page
    assert "<ul><li>Endeavour: B4</li></ul>" in page
    assert "<p>&lt;b&gt;escaped&lt;/b&gt; <b>as it is</b> 369 t</p>" in page
    assert "water=3;coal=9;0" in "".join(page.split())
    assert "<footer>Low tide</footer>" in page
    assert 'href="/static/favicon.ico' in page


@pytest.mark.feature("S1", "S2", "S3")
async def test_session_stores(browser: AsyncClient, server: ServedApp) -> None:
    assert [(await browser.get("/")).text for _ in range(2)] == ["Visit 1", "Visit 2"]
    cookie = {"Cookie": f"session={browser.cookies['session']}"}
    async with connect(server.websocket_url + "/ws", additional_headers=cookie) as connection:
        await connection.send("ahoy")
        assert await connection.recv() == "2 visits"
    before = browser.cookies["session"]
    await browser.get("/new-id")
    assert browser.cookies["session"] != before
    assert (await browser.get("/")).text == "Visit 3"
    await browser.get("/forget")
    assert (await browser.get("/")).text == "Visit 1"
    await browser.get("/end")
    assert (await browser.get("/")).text == "Visit 1"


@pytest.mark.feature("F1")
async def test_flash(browser: AsyncClient) -> None:
    sent = await browser.post("/", data={"ship": "Beagle"}, follow_redirects=True)
    assert '<p class="success">Beagle has arrived.</p>' in sent.text
    assert "arrived" not in (await browser.get("/")).text
    empty = await browser.post("/", data={"ship": " "}, follow_redirects=True)
    assert '<p class="error">Enter the name of the ship.</p>' in empty.text


@pytest.mark.feature("M1", "M2")
async def test_middleware(browser: AsyncClient) -> None:
    index = await browser.get("/")
    assert index.text == "Harbour"
    assert re.fullmatch(r"app;dur=\d+\.\d", index.headers["Server-Timing"])
    below = await browser.get("/lighthouse/lamp")
    assert (below.text, "Server-Timing" in below.headers) == ("Seen: /lighthouse/lamp", True)


@pytest.mark.feature("H1", "H2", "A6")
async def test_hooks(browser: AsyncClient, example: ModuleType) -> None:
    index = await browser.get("/")
    assert (index.headers["X-Steps"], index.headers["X-Once"]) == ("before view after", "yes")
    refused = await browser.get("/?flag=black")
    assert (refused.status_code, refused.headers["X-Steps"]) == (403, "before after")
    assert (await browser.post("/unload/tea")).status_code == 202
    await asyncio.gather(*example.app.background_tasks)
    assert (await browser.get("/log")).json() == ["serving", "first request", "unloaded tea"]


@pytest.mark.feature("B1")
async def test_blueprints(browser: AsyncClient) -> None:
    assert (await browser.get("/")).json() == {"ships": "/ships/", "v2": "/v2/ships/"}
    assert (await browser.get("/ships/")).json() == {"version": 1, "first": "/ships/1"}
    second = await browser.get("/v2/ships/")
    assert second.json() == {"version": 2, "first": "/v2/ships/1"}
    assert second.headers["X-Part"] == "ships"
    crew = await browser.get("/ships/3/crew/")
    assert crew.json() == {"ship": 3, "crew": ["Ada", "Grace"]}
    missing = await browser.get("/ships/10")
    assert (missing.status_code, missing.json()) == (404, {"error": "There is no such ship."})
    assert (await browser.delete("/")).json() == {"error": "Not with this method."}


@pytest.mark.feature("X1", "X3")
async def test_contexts(browser: AsyncClient, example: ModuleType) -> None:
    names = [f"ship{number}" for number in range(5)]
    answers = await asyncio.gather(*(browser.get(f"/?ship={name}") for name in names))
    assert [each.text for each in answers] == [f"{name} in Oban" for name in names]
    await browser.get("/later?ship=gig")
    await asyncio.gather(*example.app.background_tasks)
    log = (await browser.get("/log")).json()
    assert log[0] == "started in Oban"
    assert {"ship4 arrived", "gig noted in Oban", "200", "202"} <= set(log)
