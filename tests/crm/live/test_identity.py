"""Who may be connected, and for how long."""

from __future__ import annotations

from quart import Quart

from quarterdeck_crm.extensions import hub
from tests.crm.conftest import Auth
from tests.kit.sockets_app import Client


async def test_a_signed_in_person_hears_of_changes(app: Quart, auth: Auth) -> None:
    async with auth.client.websocket("/ws") as connection:
        client = Client(connection)
        assert (await client.subscribe("orders"))[-1]["type"] == "subscribed"
        async with app.app_context():
            await hub.publish("orders", "order.created", {"id": 1})
        assert (await client.next())["name"] == "order.created"


async def test_strangers_are_sent_away(app: Quart) -> None:
    async with app.test_client().websocket("/ws") as connection:
        assert await Client(connection).close_code() == 4401
