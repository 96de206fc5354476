"""The steps of the tutorial: each is served as it stands, and does what its page says."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient, Response
from playwright.async_api import Playwright, async_playwright, expect
from websockets.asyncio.client import connect

from quarterdeck.testing import ServedApp, served_app
from tests import databases
from tests.browser.conftest import ARGUMENTS
from tests.services import require_chromium
from tests.smtp import MailServer, mail_server

STEPS = Path(__file__).parents[2] / "examples" / "tutorial"
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
ADA = {"email": "Ada@example.com", "password": "lovelace"}


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def app(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The app of the step that the test is named after, from a copy of its folder."""
    (number,) = re.findall(r"^test_step_(\d)", request.function.__name__)
    shutil.copytree(STEPS / f"step{number}", tmp_path / "app")
    monkeypatch.chdir(tmp_path / "app")
    monkeypatch.syspath_prepend(tmp_path / "app")
    importlib.invalidate_caches()
    config = {"SECRET_KEY": "only for tests", "SQLALCHEMY_DATABASE_URI": databases.uri(tmp_path)}
    if "mails" in request.fixturenames:
        config |= {"MAIL_BACKEND": "smtp", "MAIL_SERVER": "127.0.0.1"}
        config["MAIL_PORT"] = request.getfixturevalue("mails").port
    yield importlib.import_module("noticeboard").create_app(config)
    for name in [name for name in sys.modules if name.split(".")[0] == "noticeboard"]:
        del sys.modules[name]


async def command(app: Any, *words: str) -> str:
    """Run a command of the app, as its page does; in a thread, because it has its own loop."""
    done = await asyncio.to_thread(app.test_cli_runner().invoke, args=words)
    assert done.exit_code == 0, done.output or done.exception
    return str(done.output)


@pytest.fixture
async def tables(app: Any) -> None:
    await command(app, "db", "upgrade")
    await command(app, "db", "check")  # models and migrations agree


@pytest.fixture
async def ada(app: Any, tables: None) -> None:
    words = ("user", "create", "Ada", ADA["email"], "--password", ADA["password"])
    assert await command(app, *words) == "Ada can sign in as ada@example.com.\n"


@pytest.fixture
async def server(app: Any) -> AsyncIterator[ServedApp]:
    async with served_app(app) as server:
        yield server


@pytest.fixture
async def browser(server: ServedApp) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(base_url=server.url, follow_redirects=True) as browser:
        yield browser


async def send(browser: AsyncClient, path: str, form: str = "", **fields: str) -> Response:
    """Open the page of a form, fill it in and send it."""
    token = TOKEN.findall((await browser.get(form or path)).text)[-1]
    return await browser.post(path, data={"csrf_token": token, **fields})


async def test_step_1(app: Any, browser: AsyncClient) -> None:
    assert "<h1>Notice board</h1>" in (await browser.get("/")).text


async def test_step_2(tables: None, browser: AsyncClient) -> None:
    assert "There are no notices yet." in (await browser.get("/")).text


@pytest.mark.feature("AP2")
async def test_step_3(ada: None, browser: AsyncClient) -> None:
    asked = await browser.get("/")
    assert asked.url.path == "/sign-in"
    wrong = await send(browser, "/sign-in?next=/", **{**ADA, "password": "x"})
    assert "Wrong mail address or password." in wrong.text
    signed_in = await send(browser, "/sign-in?next=/", **ADA)
    assert (signed_in.url.path, "There are no notices yet." in signed_in.text) == ("/", True)
    assert (await browser.post("/sign-out")).status_code == 400  # without the token
    assert (await send(browser, "/sign-out", form="/")).url.path == "/sign-in"


async def test_step_4(ada: None, browser: AsyncClient) -> None:
    await send(browser, "/sign-in", **ADA)
    assert "This field is required." in (await send(browser, "/new", title="")).text
    posted = await send(browser, "/new", title="Tea at four", text="<b>Kitchen</b>")
    assert "Your notice is on the board." in posted.text
    assert "&lt;b&gt;Kitchen&lt;/b&gt;" in posted.text
    await send(browser, "/1/edit", title="Tea at five", version="1")
    late = await send(browser, "/1/edit", title="Coffee", version="1")
    assert late.status_code == 409
    assert "This record was changed after you opened the page." in late.text
    again = await send(browser, "/1/edit", title="Coffee", version="2")
    assert "Coffee" in again.text
    assert "Coffee" not in (await send(browser, "/1/delete", form="/1/edit")).text


async def test_step_5(ada: None, browser: AsyncClient, server: ServedApp) -> None:
    page = await send(browser, "/sign-in", **ADA)
    (script,) = re.findall(r'src="([^"]*live\.js[^"]*)"', page.text)
    assert 'connect(["notices"]' in (await browser.get(script)).text
    cookie = {"Cookie": f"session={browser.cookies['session']}"}
    async with connect(f"{server.websocket_url}/ws", additional_headers=cookie) as socket:
        await socket.send('{"type": "subscribe", "room": "notices"}')
        await receive(socket, "subscribed")
        await send(browser, "/new", title="Tea at four")
        assert (await receive(socket, "event"))["name"] == "changed"
    assert "Tea at four" in (await browser.get("/notices")).text
    async with connect(f"{server.websocket_url}/ws") as stranger:
        await stranger.wait_closed()
    assert stranger.close_code == 4401


async def receive(socket: Any, kind: str) -> Any:
    while (message := json.loads(await socket.recv()))["type"] != kind:
        pass
    return message


async def test_step_6(mails: MailServer, app: Any, ada: None, browser: AsyncClient) -> None:
    await send(browser, "/sign-in", **ADA)
    await send(browser, "/new", title="Tea at four")
    await send(browser, "/new", title="Fire drill", text="Now.", urgent="y")
    (mail,) = await asyncio.to_thread(mails.wait_for, 1)
    assert (mail.message["Subject"], mail.recipients) == ("Fire drill", ["ada@example.com"])
    assert "Hello Ada," in mail.message.get_content()
    app.config["NOTICE_DAYS"] = -1
    scheduler = importlib.import_module("noticeboard.extensions").scheduler
    async with app.app_context():
        await scheduler.run_job("remove_old_notices")
    assert "There are no notices yet." in (await browser.get("/")).text


@pytest.mark.feature("AP5")
def test_step_7(app: Any, tmp_path: Path) -> None:
    """Its tests pass, on the database of this run."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis"]
    done = subprocess.run(
        command,
        cwd=tmp_path / "app",
        env=os.environ | {"TEST_DATABASE_URL": databases.uri(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "8 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.external_service("chromium")
async def test_step_8_in_a_browser(ada: None, server: ServedApp, browser: AsyncClient) -> None:
    """The script runs under the policy of the security headers, and shows a new notice."""
    async with async_playwright() as playwright, await launch(playwright) as chromium:
        page = await chromium.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(f"{message.type}: {message.text}"))
        await page.goto(f"{server.url}/sign-in")
        await page.get_by_label("Mail address").fill(ADA["email"])
        await page.get_by_label("Password").fill(ADA["password"])
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("There are no notices yet.")).to_be_visible()
        await send(browser, "/sign-in", **ADA)
        await send(browser, "/new", title="Tea at four")
        await expect(page.get_by_role("heading", name="Tea at four")).to_be_visible()
        assert errors == []


def launch(playwright: Playwright) -> Any:
    return playwright.chromium.launch(executable_path=require_chromium(), args=ARGUMENTS)
