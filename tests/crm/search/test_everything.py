"""The search over everything: on its page, in the palette and in the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from quarterdeck.testing import recorded_statements
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Order, User
from quarterdeck_crm.notes.services import add_note
from tests.crm.conftest import Auth
from tests.crm.test_attachments import PDF, upload
from tests.crm.trading import Trade


@pytest.fixture
async def filled(auth: Auth, user: User, trade: Trade) -> Account:
    account = await trade.account(name="Anchor Ltd", phone="+49 30 901820", actor=user)
    await trade.person(account, name="Anna Anchorsen")
    good = await trade.good(name="Anchor chain")
    await trade.order((good, 1), account=account)
    await trade.deal(account_id=account.id, name="Anchors for ten boats")
    await trade.task(account_id=account.id, title="Weigh the anchor")
    async with trade.session() as session:
        body = f"{'We met at the fair. ' * 20}They want a new anchor in May."
        await add_note(session, actor=user, subject=account, body=body)
    await upload(auth, f"/accounts/{account.id}/files", "anchor-plan.pdf", PDF)
    return account


async def quick(auth: Auth, q: str) -> dict[str, list[dict[str, str]]]:
    response = await auth.get("/search/quick", query_string={"q": q})
    assert response.status_code == 200
    return {group["title"]: group["items"] for group in await response.get_json()}


async def test_the_palette_finds_each_kind_with_few_statements(
    auth: Auth, trade: Trade, filled: Account, user: User
) -> None:
    async with auth.client.app.app_context():
        with recorded_statements(db) as statements:
            found = await quick(auth, "anch")
    assert list(found) == [
        "Accounts", "People", "Deals", "Tasks", "Goods", "Notes", "Files",
    ]  # fmt: skip
    assert found["Accounts"] == [
        {"title": "Anchor Ltd", "detail": "", "url": f"/accounts/{filled.id}"}
    ]
    assert found["People"][0]["detail"] == "Anchor Ltd"
    assert found["Notes"][0]["title"].endswith("They want a new anchor in May.")
    assert re.fullmatch(rf"/accounts/{filled.id}\?note=(\d+)#note-\1", found["Notes"][0]["url"])
    assert found["Files"][0]["url"] == f"/accounts/{filled.id}#files"
    assert len(statements) <= 15

    assert [*await quick(auth, "+49 30 9018")] == ["Accounts"]
    assert (await quick(auth, user.email))["Team"][0]["title"] == user.name
    assert await quick(auth, "  ") == {}
    async with trade.session() as session:
        number = await session.scalar(select(Order.number))
    assert number is not None
    assert (await quick(auth, number[:-1]))["Orders"][0]["title"] == number


async def test_a_file_of_a_deal_is_found(auth: Auth, user: User, trade: Trade) -> None:
    deal = await trade.deal(actor=user, name="Ten boats")
    await upload(auth, f"/deals/{deal.id}/files", "keel.pdf", PDF)

    assert (await quick(auth, "keel"))["Files"] == [
        {"title": "keel.pdf", "detail": "Ten boats", "url": f"/deals/{deal.id}#files"}
    ]
    answer = await (await auth.get("/api/v1/search?q=keel")).get_json()
    (file,) = answer["files"]
    assert (file["deal_id"], file["account_id"], file["order_id"]) == (deal.id, None, None)
    assert file["subject"] == "Ten boats"


async def test_the_page_and_the_api_find_each_kind(auth: Auth, filled: Account) -> None:
    page = await (await auth.get("/search?q=anch")).get_data(as_text=True)
    for title in ("Anna Anchorsen", "Anchors for ten boats", "Weigh the anchor"):
        assert title in page
    for title in ("Anchor chain", "They want a new anchor in May.", "anchor-plan.pdf"):
        assert title in page

    answer: dict[str, Any] = await (await auth.get("/api/v1/search?q=anch")).get_json()
    counts = {kind: len(rows) for kind, rows in answer.items()}
    assert counts == dict.fromkeys(counts, 1) | {"users": 0}
    assert answer["notes"][0]["subject"] == "Anchor Ltd"


async def test_one_kind_is_shown_alone(auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    for _number in range(10):
        await trade.task(account_id=account.id, title="Polish the bell")
    page = await (await auth.get("/search?q=bell")).get_data(as_text=True)
    assert page.count("Polish the bell") == 8
    assert "/search?q=bell&amp;only=tasks" in page
    page = await (await auth.get("/search?q=bell&only=tasks")).get_data(as_text=True)
    assert page.count("Polish the bell") == 10
