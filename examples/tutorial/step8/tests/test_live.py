"""The WebSocket and the pages on the real server."""

import json

import httpx
from websockets.asyncio.client import connect


async def receive(page, kind):
    """Return the next message of a type; others, such as presence, may come before."""
    while (message := json.loads(await page.recv()))["type"] != kind:
        pass
    return message


async def test_a_page_hears_of_a_new_notice(signed_in, served, database):
    await signed_in.get("/")
    cookie = {"Cookie": f"session={signed_in.get_cookie('session').value}"}
    async with connect(f"{served.websocket_url}/ws", additional_headers=cookie) as page:
        await page.send(json.dumps({"type": "subscribe", "room": "notices"}))
        await receive(page, "subscribed")
        async with httpx.AsyncClient(base_url=served.url, headers=cookie) as browser:
            await browser.post("/new", data={"title": "Tea at four"})
            assert (await receive(page, "event"))["name"] == "changed"
            assert "Tea at four" in (await browser.get("/notices")).text
