"""The session offers the same with every store, so that an app can change SESSION_TYPE."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart, session

from quarterdeck.session import Session

from .apps import make_app

pytestmark = pytest.mark.feature("S2")

NAMES = ("key", "sid", "new", "permanent", "modified", "accessed")


def add_page(app: Quart) -> None:
    @app.get("/interface")
    async def interface() -> Any:
        ours: Any = session
        shown = {name: getattr(ours, name) for name in NAMES}
        await ours.save()
        await ours.reload()
        if app.secret_key is not None:
            ours.regenerate()
        return shown


async def test_every_store_offers_the_same(store_config: dict[str, Any], store_name: str) -> None:
    app = make_app(store_config)
    add_page(app)
    async with app.test_app() as running:
        client = running.test_client()
        for _ in range(2):
            shown = await (await client.get("/interface")).get_json()
            await client.post("/set", json={"name": "x"})
    assert (shown["key"] is None) == (shown["sid"] is None) == (store_name == "null")


async def test_without_a_secret_key_too() -> None:
    app = Quart(__name__)
    Session(app)
    add_page(app)
    response = await app.test_client().get("/interface")
    shown = await response.get_json()
    assert (shown["key"], shown["sid"]) == (None, None)
