"""Notifications by mail, for users that want it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from quart import Quart

from quarterdeck.mail import Message
from quarterdeck_crm.models import User
from tests.crm.conftest import Auth, MakeUser
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
    address = f"https://crm.example.com/desk/orders/{order.id}?note=2#note-2"
    assert f'href="{address}"' in (message.html or "")
    assert address in (message.body or "")

    link = message.extra_headers["List-Unsubscribe"].strip("<>")
    path = urlsplit(link).path.removeprefix("/desk")
    client = app.test_client()
    assert "notifications?" in await (await client.get(path)).get_data(as_text=True)
    await client.post(path)
    await as_moderator.post(there, body="Quiet again")
    assert sent == [message]


async def test_handed_over_records_are_one_mail(
    auth: Auth,
    user: User,
    admin: User,
    as_admin: Auth,
    make_user: MakeUser,
    trade: Trade,
    sent: list[Message],
) -> None:
    await auth.post("/auth/profile", name=user.name, notices="at_once", mails_notifications="y")
    leaving = await make_user(email="leaving@example.com", name="Lena Lee")
    for _ in range(2):
        await trade.order(actor=leaving)
        await trade.task(actor=leaving, assignee_id=leaving.id)
    path = f"/team/{leaving.id}/hand-over"
    await as_admin.post(path, page=path, to=str(user.id), disables="y")
    (message,) = sent
    assert message.subject == f"{admin.name} gave you the open records of {leaving.name}."
    assert f"https://crm.example.com/desk/team/{leaving.id}" in (message.html or "")
