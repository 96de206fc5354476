"""The demonstration data: the same every time, and sound."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from quart import Quart
from sqlalchemy import func, select

from quarterdeck_crm.demo.generate import Demo
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import (
    Account,
    Good,
    Note,
    Notification,
    NotificationKind,
    Order,
    OrderLine,
    User,
)
from quarterdeck_crm.orders.sum_checks import compare_sums

TODAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def demo(app: Quart) -> None:
    """A demonstration company with 200 orders."""
    async with app.app_context(), db.transaction() as session:
        await Demo(orders=200, today=TODAY).write(
            session, password_hash="unused", advance=lambda count: None
        )


def test_it_is_the_same_every_time() -> None:
    def describe() -> list[object]:
        demo = Demo(orders=200, today=TODAY)
        users = [row["phone"] for row in demo._users("unused")]
        goods = [(row["code"], row["price"], row["stock"]) for row in demo._goods()]
        return [users, goods, [row["name"] for row in demo._accounts([1, 2, 3])]]

    assert describe() == describe()


def test_no_text_has_spaces_around_it() -> None:
    """Forms and imports strip them, so an import of an export would find changes."""
    rows = Demo(orders=200, today=TODAY)._accounts([1, 2, 3])
    texts = [text for row in rows for text in (*row.values(), *row["contacts"])]

    assert [text for text in texts if isinstance(text, str) and text != text.strip()] == []


@pytest.mark.usefixtures("demo")
async def test_totals_agree_with_the_lines(app: Quart) -> None:
    async with app.app_context():
        net = await db.session.scalar(select(func.sum(Order.net)))
        lines = await db.session.scalar(select(func.sum(OrderLine.amount)))
        assert await compare_sums() == []
        dates = (await db.session.execute(select(func.min(Order.ordered_on)))).scalar_one()

    assert net == lines
    assert dates.year in {2024, 2025}


@pytest.mark.usefixtures("demo")
async def test_many_scripts_are_spoken(app: Quart) -> None:
    async with app.app_context():
        names = (await db.session.scalars(select(Account.name))).all()
        counts = [await db.session.scalar(select(func.count(m.id))) for m in (User, Good, Order)]

    scripts = {unicodedata.name(c).split()[0] for name in names for c in name if c.isalpha()}
    assert scripts >= {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "CJK", "HANGUL", "THAI"}
    assert counts == [8, 92, 200]


@pytest.mark.usefixtures("demo")
async def test_colleagues_write_to_each_other(app: Quart) -> None:
    """There is something to read for each user that people sign in as."""
    async with app.app_context():
        kinds = set(await db.session.scalars(select(Note.subject_type)))
        times = (await db.session.scalars(select(Note.created_at).order_by(Note.id))).all()
        unread = set(
            await db.session.scalars(
                select(Notification.user_id).where(Notification.read_at.is_(None))
            )
        )
        own = select(Notification.id).where(Notification.user_id == Notification.actor_id)
        mentions = (
            await db.session.execute(
                select(Note.body, User.name)
                .join(Notification, Notification.note_id == Note.id)
                .join(User, User.id == Notification.user_id)
                .where(Notification.kind == NotificationKind.MENTION)
            )
        ).all()

        assert (await db.session.scalars(own)).all() == []
    assert kinds == {"account", "deal", "order", "person", "task"}
    assert list(times) == sorted(times)
    assert unread >= {1, 2, 3}
    assert mentions
    assert all(f"@{name}" in body for body, name in mentions)
