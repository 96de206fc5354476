"""Notifications by mail, for users that want it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from quart import Quart

from quarterdeck.mail import Message
from quarterdeck_crm.models import User
from tests.crm.conftest import Auth
from tests.crm.trading import Trade

pytestmark = pytest.mark.feature("E2", "AP3")


async def test_notifications_are_mailed_to_users_that_want_it(
    app: Quart, auth: Auth, user: User, as_moderator: Auth, trade: Trade, sent: list[Message]
) -> None:
    order = await trade.order(actor=user)
    there = f"/notes/order/{order.id}"
    await as_moderator.post(there, body="Quiet")
    assert sent == []

    await auth.post("/auth/profile", name=user.name, notices="off", mails_notifications="y")
    await as_moderator.post(there, body=f"@{user.name} <call> them")
    (message,) = sent
    assert message.subject == f"Moderator mentioned you at order {order.number}."
    assert "<call> them" in (message.body or "")
    assert "&lt;call&gt; them" in (message.html or "")
    assert f"https://crm.example.com/desk/orders/{order.id}" in (message.html or "")

    link = message.extra_headers["List-Unsubscribe"].strip("<>")
    path = urlsplit(link).path.removeprefix("/desk")
    client = app.test_client()
    assert "notifications?" in await (await client.get(path)).get_data(as_text=True)
    await client.post(path)
    await as_moderator.post(there, body="Quiet again")
    assert sent == [message]
