"""What ``bench.supervisor`` serves with several workers: a page, a slow one, a hub over Redis."""

from __future__ import annotations

import asyncio
import os

from quart import request

from quarterdeck.app import Quart
from quarterdeck.sockets import Hub, Member

app = Quart(__name__)
app.config |= {"SOCKETS_BACKEND": "redis", "REDIS_URL": os.environ["REDIS_URL"]}
hub = Hub(app)


@hub.identify
async def identify() -> Member:
    return Member("1", "Ada")


@hub.room("news")
async def may_enter(member: Member) -> bool:
    return True


@app.get("/")
async def index() -> str:
    return str(os.getpid())


@app.get("/slow")
async def slow() -> str:
    await asyncio.sleep(2)
    return "late"


@app.post("/publish")
async def publish() -> str:
    return await hub.publish("news", "told", {"number": int(request.args["number"])})


@app.websocket("/ws")
async def live() -> None:
    await hub.serve()
