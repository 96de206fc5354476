"""Two servers on one Redis: browsers and a program see what happens, wherever it does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from quarterdeck.sockets.client import Client, Event
from tests.demonstration import Demonstrations
from tests.servers import Server, redis_server
from tests.services import require_program
from tests.serving import serving

from .conftest import ADMIN, MODERATOR, in_browser, sign_in
from .desk import Desk

pytestmark = [
    *in_browser,
    pytest.mark.external_service("redis-server"),
    pytest.mark.feature("WS4", "AP6"),
    pytest.mark.timeout(240),
]

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    require_program("Redis", "redis-server")
    server = redis_server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


async def test_two_browsers_and_a_program_on_two_processes(
    browser: Browser, redis: Server, demonstrations: Demonstrations, tmp_path: Path
) -> None:
    token = demonstrations.copy(tmp_path)["user"]
    shared: dict[str, Any] = {
        "CRM_INSTANCE": str(tmp_path / "instance"),
        "REDIS_URL": f"redis://127.0.0.1:{redis.port}",
        "CRM_SOCKETS_BACKEND": "redis",
    }
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with serving(folders[0], **shared) as one, serving(folders[1], **shared) as two:
        desks = []
        for address, who in ((one, ADMIN), (two, MODERATOR)):
            desk = Desk(await (await browser.new_context()).new_page(), address)
            await sign_in(desk.page, address, who)
            await desk.open("/board/")
            desks.append(desk)
        ada, mika = desks
        async with Client(f"{two}/ws", token=token) as client:
            await client.subscribe("orders")
            await see_each_other(ada, mika, client)
        for desk in desks:
            assert desk.complaints == []
            await desk.page.context.close()


async def see_each_other(ada: Desk, mika: Desk, client: Client) -> None:
    users = ada.page.get_by_role("list", name="Also here").locator(".person")
    await expect(users.filter(has_text="Mika Modéer")).to_have_count(1)
    order = await ada.place()
    await expect(mika.card(order, "draft")).to_be_visible()
    assert await heard(client) == ("order.created", order["id"])
    await mika.move(order, "confirmed")
    await expect(ada.card(order, "confirmed")).to_be_visible()
    assert await heard(client) == ("order.moved", order["id"])

    await ada.page.context.set_offline(True)
    late = await mika.place()
    await ada.page.context.set_offline(False)
    await expect(ada.card(late, "draft")).to_be_visible()
    await expect(ada.card(late)).to_have_count(1)
    assert await heard(client) == ("order.created", late["id"])


async def heard(client: Client) -> tuple[str, Any]:
    """Return the name of the next event, and the order that it tells of."""
    async with asyncio.timeout(30):
        while not isinstance(happening := await anext(client), Event):
            pass
    return happening.name, happening.data.get("id")
