"""Mail about orders: to contacts, to owners, and once a day."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as modern
from urllib.parse import urlsplit

import pytest
from quart import Quart
from sqlalchemy import select

from quarterdeck.mail import Message
from quarterdeck_crm.dashboard.summary import mail_summaries
from quarterdeck_crm.extensions import db, scheduler
from quarterdeck_crm.models import (
    Contact,
    NoticeTime,
    Order,
    OrderState,
    Person,
    PersonEmail,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from tests.crm.conftest import Auth, MakeUser
from tests.crm.trading import Trade

pytestmark = pytest.mark.feature("E2", "AP3")


def parsed(message: Message) -> EmailMessage:
    return BytesParser(EmailMessage, policy=modern).parsebytes(message.as_bytes())


async def want(app: Quart, user: User, **values: object) -> None:
    async with app.app_context(), db.transaction() as session:
        row = await session.get_one(User, user.id)
        for name, value in values.items():
            setattr(row, name, value)


async def contact_of(app: Quart, order: Order, email: str | None) -> Contact:
    async with app.app_context(), db.transaction() as session:
        emails = [PersonEmail(position=1, email=email)] if email else []
        person = Person(name="Carla Käufer", emails=emails)
        contact = Contact(account_id=order.account_id, person=person)
        session.add(contact)
    return contact


async def test_a_confirmation_with_the_lines(
    app: Quart, as_moderator: Auth, moderator: User, trade: Trade, sent: list[Message]
) -> None:
    order = await trade.order((await trade.good(name="Chai"), 2))
    contact = await contact_of(app, order, "carla@example.com")
    await contact_of(app, order, None)
    page = await (await as_moderator.get(f"/orders/{order.id}")).get_data(as_text=True)
    assert "Mail the lines" not in page  # it is a draft
    await trade.move(order, OrderState.CONFIRMED)
    url = f"/orders/{order.id}/confirmation"
    page = await (await as_moderator.get(f"/orders/{order.id}")).get_data(as_text=True)
    assert "Carla Käufer, carla@example.com" in page

    assert (await as_moderator.post(url, contact="999")).status_code == 422
    answer = await as_moderator.post(url, contact=str(contact.id), submission="k1")
    await as_moderator.post(url, contact=str(contact.id), submission="k1")

    assert answer.location == f"/orders/{order.id}"
    confirmation = [each for each in sent if each.subject == f"Order {order.number}"]
    assert len(confirmation) == 1
    mail = parsed(confirmation[0])
    assert mail["Reply-To"].addresses[0].addr_spec == moderator.email
    for part in mail.iter_parts():
        text = part.get_content()
        assert "Chai" in text
        assert "EUR" in text
    page = await (await as_moderator.get(f"/orders/{order.id}")).get_data(as_text=True)
    assert "Confirmation mailed to Carla Käufer, carla@example.com" in page


async def test_the_owner_is_told_of_a_change(
    app: Quart, user: User, moderator: User, as_moderator: Auth, trade: Trade, sent: list[Message]
) -> None:
    order = await trade.order((await trade.good(), 1), owner_id=user.id)
    await trade.move(order, OrderState.CONFIRMED)  # by the system
    assert sent == []
    order = await trade.read(order)
    url = f"/orders/{order.id}/move"
    await as_moderator.post(url, to="shipped", version=str(order.version))

    (notice,) = sent
    assert notice.subject == f"{moderator.name} changed order {order.number}"
    assert notice.recipients == [(user.name, user.email)]
    assert "Marked as shipped" in (notice.body or "")
    assert f"https://crm.example.com/desk/orders/{order.id}" in (notice.html or "")
    link = notice.extra_headers["List-Unsubscribe"].strip("<>")
    assert notice.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in (notice.body or "")

    # Mail programs open links; only a post ends the mail, also without a page and a sign-in.
    path = urlsplit(link).path.removeprefix("/desk")
    client = app.test_client()
    assert (await client.get(path)).status_code == 200
    assert await notices_of(app, user) == NoticeTime.AT_ONCE
    answer = await client.post(path, form={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert await notices_of(app, user) == NoticeTime.OFF
    assert (await client.post(path[:-2] + "xx")).status_code == 410


async def notices_of(app: Quart, user: User) -> NoticeTime:
    async with app.app_context():
        found = await db.session.scalar(select(User.notices).where(User.id == user.id))
        assert found is not None
        return found


@pytest.mark.parametrize("notices", [NoticeTime.OFF, NoticeTime.DAILY])
async def test_owners_who_want_no_mail_at_once(
    app: Quart,
    user: User,
    as_moderator: Auth,
    trade: Trade,
    sent: list[Message],
    notices: NoticeTime,
) -> None:
    await want(app, user, notices=notices)
    order = await trade.read(await trade.order((await trade.good(), 1), owner_id=user.id))
    await as_moderator.post(f"/orders/{order.id}/move", to="confirmed", version=str(order.version))
    assert sent == []


async def test_nobody_is_told_of_their_own_changes(
    auth: Auth, user: User, trade: Trade, sent: list[Message]
) -> None:
    order = await trade.read(await trade.order((await trade.good(), 1), owner_id=user.id))
    await auth.post(f"/orders/{order.id}/move", to="confirmed", version=str(order.version))
    assert sent == []


async def test_the_profile_chooses(app: Quart, auth: Auth, user: User) -> None:
    await auth.post("/auth/profile", name=user.name, notices="daily", daily_summary="y")
    assert await notices_of(app, user) == NoticeTime.DAILY


async def test_the_daily_mail(
    app: Quart, user: User, moderator: User, as_moderator: Auth, make_user: MakeUser,
    trade: Trade, sent: list[Message],
) -> None:  # fmt: skip
    await want(app, user, notices=NoticeTime.DAILY, daily_summary=True)
    await make_user(email="quiet@example.com", daily_summary=True)  # has no orders
    today = utc_now()
    await want(app, user, summarized_at=today - timedelta(days=1))
    order = await trade.order((await trade.good(), 1), owner_id=user.id)
    async with app.app_context(), db.transaction() as session:
        row = await session.get_one(Order, order.id)
        row.ordered_on = row.required_on = today.date() - timedelta(days=1)
    order = await trade.read(order)
    await as_moderator.post(f"/orders/{order.id}/move", to="confirmed", version=str(order.version))
    now = today + timedelta(days=3)
    async with app.app_context():
        await scheduler.run_job("mail_daily")  # the news is of today
        assert len(sent) == 1
        assert await mail_summaries() == 0
        assert await mail_summaries(now=now + timedelta(hours=24)) == 1

    first, second = sent
    body = first.body or ""
    assert first.recipients == [(user.name, user.email)]
    assert f"{order.number}: Confirmed ({moderator.name})" in body
    assert "1 confirmed" in body
    assert f"{order.number} for " in body
    assert "https://crm.example.com/desk/orders/?" in body
    assert "Confirmed (" not in (second.body or "")
    assert "List-Unsubscribe" in second.extra_headers
