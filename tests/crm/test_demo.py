"""The demonstration data: the same every time, and sound."""

from __future__ import annotations

import io
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image
from quart import Quart
from sqlalchemy import func, select

from quarterdeck_crm.attachments.kinds import ATTACHABLE, contents_fit, extension_of
from quarterdeck_crm.attachments.storage import stored_path, thumbnail_path
from quarterdeck_crm.attachments.thumbnails import EDGE
from quarterdeck_crm.demo.files import Record, give_pictures, make_files, pdf
from quarterdeck_crm.demo.generate import Demo
from quarterdeck_crm.demo.pictures import SIDE
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import (
    Account,
    Attachment,
    Deal,
    Good,
    Note,
    Notification,
    NotificationKind,
    Order,
    OrderLine,
    OrderState,
    SearchWord,
    User,
)
from quarterdeck_crm.orders.sum_checks import compare_sums

TODAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def demo(app: Quart) -> None:
    """A demonstration company with 200 orders."""
    async with app.app_context(), db.transaction() as session:
        await Demo(orders=200, today=TODAY).write(
            session, password_hash="unused", progress=lambda done, total: None
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


@pytest.mark.usefixtures("demo")
async def test_records_have_files_and_goods_have_pictures(app: Quart) -> None:
    """Each file is what its name says, is in its place, and was attached after its record."""
    added: dict[Any, Any] = {
        Account: Attachment.account_id,
        Deal: Attachment.deal_id,
        Order: Attachment.order_id,
    }
    async with app.app_context():
        for model, column in added.items():
            files = select(Attachment, model.created_at).join(model, column == model.id)
            found = (await db.session.execute(files)).all()
            assert len(found) > 10, model
            for file, since in found:
                data = stored_path(file.stored).read_bytes()
                assert contents_fit(io.BytesIO(data), extension_of(file.name)), file.name
                assert (file.size, file.media_type) == (len(data), ATTACHABLE[file.stored[32:]])
                assert since <= file.created_at <= TODAY
        by_id = select(Attachment.created_at).order_by(Attachment.id)
        times = (await db.session.scalars(by_id)).all()
        assert list(times) == sorted(times)
        drafts = select(Order.id).join(Attachment, Attachment.order_id == Order.id)
        drafts = drafts.where(Order.state == OrderState.DRAFT)
        assert (await db.session.scalars(drafts)).all() == [], "a draft with files stays"

        pictures = (await db.session.scalars(select(Good.picture))).all()
        kept = [name for name in pictures if name]
        assert len(set(kept)) == len(kept) > 80
        assert None in pictures
        for name in kept:
            for path, side in ((stored_path(name), SIDE), (thumbnail_path(name), EDGE)):
                with Image.open(path) as picture:
                    assert picture.size == (side, side)
        words = select(SearchWord.subject_id).where(SearchWord.subject_type == "attachment")
        assert (await db.session.scalars(words)).first(), "the search finds them"


def test_files_are_the_same_every_time() -> None:
    def make() -> list[object]:
        goods = Demo(orders=200, today=TODAY)._goods()
        pictures = give_pictures(goods, seed=1)
        records = [Record(number, f"C{number}", 1, TODAY, "Text") for number in range(50)]
        kinds = {"account": records, "deal": records, "order": records}
        return [pictures, make_files(kinds, goods, seed=1, today=TODAY)]

    assert make() == make()


def test_the_table_of_a_document_names_the_places_of_its_parts() -> None:
    document = pdf(["Offer (1\\2)", "Ключ"])

    assert rb"(Offer \(1\\2\)) Tj" in document
    assert b"(????) Tj" in document
    table = int(document.split()[-2])
    assert document[table:].startswith(b"xref\n0 7\n")
    for number, line in enumerate(document[table:].splitlines()[3:9], 1):
        assert document[int(line[:10]) :].startswith(b"%d 0 obj" % number)
    start = document.index(b"stream\n") + len(b"stream\n")
    length = int(document.partition(b"/Length ")[2].split()[0])
    assert document[start + length :].startswith(b"\nendstream")
