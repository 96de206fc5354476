"""The examples of database, forms, mail, jobs and WebSockets, one test for each file."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from httpx import AsyncClient
from websockets.asyncio.client import ClientConnection, connect

from quarterdeck.testing import ServedApp, served_app
from tests import databases
from tests.smtp import MailServer

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def token_of(page: str) -> str:
    (token,) = TOKEN.findall(page)
    return str(token)


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of ``--database``, for the examples that read ``DATABASE_URL``."""
    monkeypatch.setenv("DATABASE_URL", databases.uri(tmp_path))


async def test_bridge(browser: AsyncClient) -> None:
    assert "<b>" not in (await browser.get("/")).text
    posted = await browser.post("/?comment=well said", data={"title": "Oban"})
    assert (posted.status_code, posted.headers["Location"]) == (302, "/")
    assert "<b>Oban</b> Well Said" in (await browser.get("/")).text
    assert "selectinload(Post.comments)" in (await browser.get("/waits")).text


@pytest.mark.feature("D1", "D2", "D3", "D4", "D5", "D6", "D8", "D9", "D10", "D11")
async def test_database(browser: AsyncClient) -> None:
    made = await browser.post("/oban/gig")
    assert (made.status_code, made.json()["version"]) == (201, 1)
    await browser.post("/oban/cutter")
    await browser.post("/ayr/brig")
    assert (await browser.get("/")).json() == {"ayr": ["brig"], "oban": ["gig", "cutter"]}
    assert (await browser.get("/?page=9")).status_code == 404
    renamed = await browser.put("/ships/1", json={"name": "yawl"})
    assert renamed.json() == {"id": 1, "name": "yawl", "version": 2, "harbour_id": 1}
    assert (await browser.put("/ships/9", json={"name": "x"})).status_code == 404
    counted = (await browser.get("/count")).json()
    assert (counted["ships"], sorted(counted["names"])) == (3, ["brig", "cutter", "yawl"])
    answers = await asyncio.gather(
        *(browser.put("/ships/2", json={"name": f"n{number}"}) for number in range(5))
    )
    assert {each.status_code for each in answers} <= {200, 409}


@pytest.mark.feature("A4", "A5")
async def test_api_database(example: ModuleType) -> None:
    async with served_app(example.app) as server, AsyncClient(base_url=server.url) as client:
        for path, status in (("/ships", 401), ("/nowhere", 404)):
            refused = await client.get(path)
            assert (refused.status_code, [*refused.json()]) == (status, ["error"])
        invoke = example.app.test_cli_runner().invoke
        token = (await asyncio.to_thread(invoke, args=["add-client"])).output.strip()
        client.headers["Authorization"] = f"Bearer {token}"
        made = await client.post("/ships", json={"name": "Gig"})
        assert (made.status_code, made.json()) == (201, {"id": 1, "name": "Gig"})
        assert (await client.get(made.headers["Location"])).json() == made.json()
        assert (await client.get("/ships")).json() == [made.json()]
        missing = await client.get("/ships/9")
        assert (missing.status_code, missing.json()) == (404, {"error": "There is no such ship."})
        wrong_bodies: list[Any] = [{}, {"name": 1}, {"name": "x" * 81}, []]
        for body in wrong_bodies:
            assert (await client.post("/ships", json=body)).status_code == 422
        broken = await client.post("/ships", content="{", headers={"Content-Type": "text/json"})
        wrong = await client.delete("/ships/1")
        assert [broken.status_code, wrong.status_code] == [415, 405]
        assert "GET" in wrong.headers["Allow"]
        assert all("error" in each.json() for each in (broken, wrong))


@pytest.mark.feature("G1")
async def test_migrate(example: ModuleType, tmp_path: Path) -> None:
    invoke = example.app.test_cli_runner().invoke
    for words in ("init", "migrate -m Ships", "upgrade"):
        done = await asyncio.to_thread(invoke, args=["db", *words.split()])
        assert done.exit_code == 0, done.output
    assert [name for name in os.listdir(tmp_path / "migrations/versions") if "_ships.py" in name]
    async with served_app(example.app) as server, AsyncClient(base_url=server.url) as browser:
        assert (await browser.get("/")).json() == []


@pytest.mark.feature("L1", "L2")
async def test_commands(browser: AsyncClient, example: ModuleType) -> None:
    invoke = example.app.test_cli_runner().invoke
    greeted = await asyncio.to_thread(invoke, args=["greet", "Ada", "--times", "2"])
    assert greeted.output == "Hello Ada, from commands\n" * 2
    assert (
        "Say hello to NAME." in (await asyncio.to_thread(invoke, args=["greet", "--help"])).output
    )
    listed = await asyncio.to_thread(invoke, args=["fleet", "list"])
    assert listed.output.split() == (await browser.get("/")).json()


@pytest.mark.feature("W1", "W2", "W3", "W4")
async def test_forms(browser: AsyncClient) -> None:
    ship = {"name": "Beagle", "berth": "A1", "tons": "242", "agent": "", "until": "2026-12-01"}
    refused = await browser.post("/", data=ship)
    assert refused.text == (
        "Not sent: The security token is missing. Reload the page and send the form again."
    )
    ship["csrf_token"] = token_of((await browser.get("/")).text)
    wrong = (await browser.post("/", data={**ship, "name": "Titanic", "tons": "0"})).text
    assert "This name is taken." in wrong
    assert "Number must be between 1 and 500000." in wrong
    assert "Invalid email" in (await browser.post("/", data={**ship, "agent": "x"})).text
    sent = await browser.post("/", data=ship)
    assert (sent.status_code, sent.headers["Location"]) == (302, "/")
    assert "Last ship: Beagle" in (await browser.get("/")).text


@pytest.mark.feature("W5")
async def test_json_forms(browser: AsyncClient) -> None:
    order: dict[str, Any] = {"ship": "Beagle", "lines": [{"good": "tea", "quantity": 2}]}
    taken = await browser.post("/orders?urgent=true", json=order)
    assert (taken.status_code, taken.json()) == (201, {**order, "urgent": True})
    refused = await browser.post("/orders", json={"ship": "", "colour": "red", "lines": []})
    assert refused.status_code == 400
    assert refused.json()["errors"][""] == ["'colour' is not a field of this form."]
    assert "ship" in refused.json()["errors"]


@pytest.mark.feature("BS1")
async def test_bootstrap_page(browser: AsyncClient) -> None:
    page = (await browser.get("/")).text
    assert "Endeavour" in page
    assert "http:" not in page.replace("http://www.w3.org", "")
    styles = re.findall(r'href="(/[^"]+\.css[^"]*)"', page)
    assert [(await browser.get(path)).status_code for path in styles] == [200]
    form = {"name": "Beagle", "csrf_token": token_of(page), "submit": "Arrive"}
    page = (await browser.post("/", data=form, follow_redirects=True)).text
    assert re.search(r'class="alert alert-success[^>]*>.*Beagle has arrived\.', page, re.S)
    assert "<td>Beagle</td>" in "".join(page.split("\n")).replace("  ", "")


@pytest.mark.feature("MO1")
async def test_moment(browser: AsyncClient) -> None:
    page = (await browser.get("/")).text
    assert 'datetime="2026-11-21T09:00:00Z"' in page
    assert "1795251600</time>" in page
    (script,) = re.findall(r'src="([^"]+)"', page)
    assert (await browser.get(script)).status_code == 200


@pytest.mark.feature("BA1", "BA2")
async def test_languages(browser: AsyncClient) -> None:
    german = {"Accept-Language": "de-AT, en;q=0.5"}
    page = (await browser.get("/2", headers=german)).text
    assert "<title>Hafen</title>" in page
    assert "2 Schiffe seit dem 21. November 2026" in page
    assert "1 ship since November 21, 2026" in (await browser.get("/1")).text
    assert (await browser.get("/no", headers=german)).text.startswith("Einen Hafen")
    await browser.post("/language/de")
    assert '<html lang="de">' in (await browser.get("/1")).text


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    monkeypatch.setenv("MAIL_SERVER", "127.0.0.1")
    monkeypatch.setenv("MAIL_PORT", str(server.port))
    yield server
    server.stop()


@pytest.mark.feature("E1", "E2")
async def test_mail(mail_server: MailServer, browser: AsyncClient) -> None:
    assert (await browser.post("/now/Beagle")).text == "Sent"
    (sent,) = mail_server.received
    assert sent.message["Subject"] == "Beagle has arrived"
    assert [part.get_content_type() for part in sent.message.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
        "text/csv",
    ]
    assert (await browser.post("/ships/Gig")).status_code == 201
    _, later = await asyncio.to_thread(mail_server.wait_for, 2)
    assert later.message["Subject"] == "Gig has arrived"


@pytest.mark.feature("SC1", "SC2", "SC4")
async def test_scheduler(browser: AsyncClient, example: ModuleType) -> None:
    assert (await browser.get("/scheduler/jobs")).status_code == 401
    jobs = (await browser.get("/scheduler/jobs", auth=("ada", "secret"))).json()
    assert {job["id"] for job in jobs} == {"report", "tide"}
    assert (await browser.post("/report")).json() == ["succeeded"]
    assert (await browser.post("/depart/gig")).status_code == 201
    async with asyncio.timeout(20):
        while "gig left" not in example.log:  # noqa: ASYNC110 - another task of this loop
            await asyncio.sleep(0.02)
    assert (await browser.delete("/depart/gig")).status_code == 204
    jobs = (await browser.get("/scheduler/jobs", auth=("ada", "secret"))).json()
    assert {job["id"] for job in jobs} == {"report", "tide"}
    assert (await browser.get("/log")).json()[0] == "report"


async def receive(connection: ClientConnection, kind: str) -> Any:
    """Return the next message of a type."""
    while (message := json.loads(await connection.recv()))["type"] != kind:
        pass
    return message


@pytest.mark.feature("WS3", "WS4")
async def test_chat(browser: AsyncClient, server: ServedApp) -> None:
    found = re.search('from "(.*)"', (await browser.get("/")).text)
    assert found
    assert "export function connect" in (await browser.get(found[1])).text
    address = server.websocket_url + "/ws?name="
    async with connect(address + "Ada") as ada, connect(address + "Grace") as grace:
        for connection in (ada, grace):
            await connection.send('{"type": "subscribe", "room": "chat:deck"}')
            await receive(connection, "subscribed")
        await ada.send('{"type": "say", "room": "chat:deck", "text": "Ahoy"}')
        event = await receive(grace, "event")
        assert (event["name"], event["data"]["by"]["name"]) == ("said", "Ada")
        assert event["data"]["text"] == "Ahoy"
        await grace.send('{"type": "subscribe", "room": "chat:captain"}')
        assert (await receive(grace, "error"))["room"] == "chat:captain"


@pytest.mark.feature("Q2")
async def test_uploads(browser: AsyncClient, tmp_path: Path) -> None:
    token = {"csrf_token": token_of((await browser.get("/")).text)}
    picture = {"pictures": ("../../me.png", b"a picture", "image/png")}
    sent = await browser.post("/", data=token, files=picture, follow_redirects=True)
    assert '<a href="/files/me.png">me.png</a>' in sent.text
    assert os.listdir(tmp_path / "instance/uploads") == ["me.png"]
    got = await browser.get("/files/me.png")
    assert (got.content, "attachment" in got.headers["Content-Disposition"]) == (b"a picture", True)
    program = {"pictures": ("virus.exe", b"x", "image/png")}
    assert "png, jpg" in (await browser.post("/", data=token, files=program)).text
    large = {"pictures": ("large.png", bytes(4_000_001), "image/png")}
    assert (await browser.post("/", data=token, files=large)).status_code == 413


@pytest.mark.feature("A5", "AP4")
async def test_api(browser: AsyncClient) -> None:
    made = await browser.post("/ships", json={"name": "Beagle", "tons": 242})
    assert (made.status_code, made.json()) == (201, {"name": "Beagle", "tons": 242, "id": 1})
    assert (await browser.post("/ships", json={"name": "Gig"})).status_code == 400
    assert len((await browser.get("/ships?min_tons=100")).json()) == 1
    assert (await browser.get("/ships?min_tons=300")).json() == []
    assert (await browser.get("/ships/9")).status_code == 404
    for _ in range(2):
        assert (await browser.delete("/ships/1")).status_code == 204
    paths = (await browser.get("/openapi.json")).json()["paths"]
    assert set(paths) == {"/ships", "/ships/{number}"}
