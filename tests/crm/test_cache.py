"""Rows that each process keeps in memory, while another process changes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm import create_app
from quarterdeck_crm.cache import entries
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import CacheVersion, CustomField, FieldType, SavedView, Tag, User
from quarterdeck_crm.team.services import delete_user, disable_user, get_user

from .conftest import Auth, MakeUser
from .trading import Trade


@pytest.fixture
def _other(_built: Quart, tmp_path: Path) -> Quart:
    """Another app on the same database, made outside the event loop."""
    url = _built.config["SQLALCHEMY_DATABASE_URI"]
    return create_app("testing", INSTANCE=str(tmp_path), DATABASE_URL=url)


@pytest.fixture
async def other(app: Quart, _other: Quart) -> AsyncIterator[Quart]:
    """What another process would serve."""
    async with _other.test_app():
        yield _other


async def write(app: Quart, *rows: Any) -> None:
    async with app.app_context(), db.transaction() as session:
        session.add_all(rows)


async def page(auth: Auth) -> str:
    response = await auth.get("/orders/")
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


async def test_a_page_reads_such_rows_once(app: Quart, as_admin: Auth, trade: Trade) -> None:
    await trade.order()
    await write(app, Tag(name="wine"))
    await page(as_admin)

    with trade.statements() as statements:
        assert '<option value="1">wine' in await page(as_admin)

    assert not [each for each in statements if "FROM tag" in each or "FROM saved_view" in each]


async def test_a_change_by_another_process_shows_at_the_next_request(
    as_admin: Auth, other: Quart
) -> None:
    field = CustomField(kind="order", key="colour", label="Colour", type=FieldType.CHOICE)
    field.options = ["red"]
    rows = {
        "wine</option>": Tag(name="wine"),
        "Colour: red": field,
        "Mine": SavedView(page="orders", owner_id=1, name="Mine", is_shared=True),
        "Bert Baker</option>": User(email="b@example.com", name="Bert Baker", password_hash="-"),
    }
    before = await page(as_admin)
    for text, row in rows.items():
        assert text not in before
        await write(other, row)
        before = await page(as_admin)
        assert text in before


async def test_users_that_are_disabled_or_deleted_are_offered_no_more(
    app: Quart, as_admin: Auth, make_user: MakeUser, other: Quart
) -> None:
    bert = await make_user(name="Bert Baker", email="bert@example.com")
    carl = await make_user(name="Carl Cook", email="carl@example.com")
    assert "Bert Baker" in await page(as_admin)

    async with other.app_context(), db.transaction() as session:
        await disable_user(session, user=await get_user(session, bert.id), actor=None)
    without_bert = await page(as_admin)
    async with other.app_context(), db.transaction() as session:
        await delete_user(session, user=await get_user(session, carl.id), actor=None)

    assert "Bert Baker" not in without_bert
    assert "Carl Cook" in without_bert
    assert "Carl Cook" not in await page(as_admin)


async def _add_and_fail(session: AsyncSession) -> None:
    session.add(Tag(name="wine"))
    await session.flush()
    raise ConflictError("rolled back")


async def test_only_changes_that_are_committed_make_a_version(app: Quart, user: User) -> None:
    async with app.app_context():
        version = select(CacheVersion.word)
        first = await db.session.scalar(version)
        with pytest.raises(ConflictError):
            await db.run(_add_and_fail)
        async with db.transaction() as session:
            seen = await session.get_one(User, user.id)
            seen.phone = "+49 30 1234"  # which no list offers
        assert await db.session.scalar(version) == first
        async with db.transaction() as session:
            session.add(Tag(name="wine"))
        assert await db.session.scalar(version) != first


async def test_a_request_reads_its_own_changes(app: Quart, as_admin: Auth, trade: Trade) -> None:
    order = await trade.order()
    await page(as_admin)
    path = f"/api/v1/orders/{order.id}"
    etag = (await as_admin.get(path)).headers["ETag"]

    headers = {"If-Match": etag, "X-CSRFToken": await as_admin.token()}
    answer = await as_admin.client.patch(path, json={"tags": ["new"]}, headers=headers)

    assert (await answer.get_json())["tags"] == ["new"]


async def test_the_memory_of_a_process_is_bounded(
    app: Quart, as_admin: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MAX_ENTRIES", 4)
    for path in ("/orders/", "/accounts/", "/deals/", "/people/", "/goods/", "/tasks/"):
        await as_admin.get(path)
        assert 1 <= len(app.extensions[entries.NAME].values) <= 4
