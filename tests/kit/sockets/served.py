"""The app of ``app.py`` as a server process of its own, told over HTTP what to publish."""

from __future__ import annotations

import asyncio

from quart import request

from quarterdeck.app import Quart
from tests.kit.sockets.app import make_app

app, hub = make_app(Quart, SOCKETS_QUEUE_SIZE=100)


@app.post("/publish")
async def publish() -> str:
    """Publish so many events of such a size, as fast as a loop that lets others work."""
    count, size = (int(request.args[name]) for name in ("count", "size"))
    for number in range(count):
        await hub.publish("open", "n", {"number": number, "filler": "x" * size})
        await asyncio.sleep(0)
    return ""


@app.get("/statistics")
async def statistics() -> dict[str, int]:
    return hub.statistics()
