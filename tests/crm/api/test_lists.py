"""Lists: words, filters, order, pages and the links between them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from quart import Quart
from werkzeug.http import parse_list_header

from quarterdeck_crm.models import Account, OrderState, Person, User
from tests.crm.trading import Trade

from .conftest import Program


async def names(program: Program, path: str, key: str = "name") -> list[Any]:
    return [row[key] for row in (await program.read(path))["items"]]


@pytest.mark.feature("AP4")
async def test_links_lead_through_all_pages_and_back(program: Program, trade: Trade) -> None:
    for number in range(5):
        await trade.account(name=f"Account {number}")
    path = "/accounts?sort=-name&per_page=2"
    seen = []
    while path:
        page = await program.read(path)
        seen += [row["name"] for row in page["items"]]
        assert page["links"]["self"] == f"/api/v1{path}"
        last, path = page, (page["links"]["next"] or "").removeprefix("/api/v1")

    assert seen == [f"Account {number}" for number in (4, 3, 2, 1, 0)]
    assert (last["page"], last["pages"], last["total"], last["per_page"]) == (3, 3, 5, 2)
    links = last["links"]
    assert links["first"] == "/api/v1/accounts?sort=-name&per_page=2&page=1"
    assert links["prev"].startswith("/api/v1/accounts?sort=-name&per_page=2&page=2&before=")
    assert links["next"] is None
    assert links["last"] == "/api/v1/accounts?sort=-name&per_page=2&page=3"
    before = await program.read(links["prev"].removeprefix("/api/v1"))
    assert [row["name"] for row in before["items"]] == ["Account 2", "Account 1"]


@pytest.mark.parametrize("page", ["accounts", "people"])
async def test_days_are_those_of_the_reader(
    program: Program, trade: Trade, user: User, page: str
) -> None:
    await (trade.account() if page == "accounts" else trade.person())
    async with trade.session() as session:
        (await session.get_one(User, user.id)).zone = "Pacific/Kiritimati"  # 14 hours ahead
        row: Any = await session.get_one(Account if page == "accounts" else Person, 1)
        row.created_at = datetime(2026, 3, 1, 23, tzinfo=UTC)

    assert await names(program, f"/{page}?created_to=2026-03-01") == []
    assert len(await names(program, f"/{page}?created_from=2026-03-02")) == 1


async def test_the_link_header_says_the_same(program: Program, trade: Trade) -> None:
    for _ in range(3):
        await trade.account()

    response = await program.get("/accounts?per_page=1&page=2")

    links = (await response.get_json())["links"]
    assert parse_list_header(response.headers["Link"]) == [
        f'<{links[name]}>; rel="{name}"' for name in ("first", "prev", "next", "last")
    ]


@pytest.mark.parametrize("path", ["/accounts", "/goods", "/orders", "/orders?sort=-account"])
async def test_a_page_beyond_the_last(program: Program, trade: Trade, path: str) -> None:
    await trade.account()

    response = await program.get(f"{path}{'&' if '?' in path else '?'}page=2")

    assert response.status_code == 404
    assert (await response.get_json())["detail"] == (
        "The list has no such page. Go back to its first page."
    )


async def test_an_empty_list_has_one_page(program: Program) -> None:
    page = await program.read("/goods")

    assert (page["items"], page["total"], page["pages"]) == ([], 0, 0)
    assert page["links"]["next"] is None
    assert page["links"]["last"] == "/api/v1/goods?page=1"


async def test_accounts_by_owner_and_words(
    program: Program, by_moderator: Program, user: User, trade: Trade
) -> None:
    await trade.account(name="Mine", owner_id=user.id)
    await trade.account(name="Nobody's", city="Berlin")

    assert await names(program, "/accounts?owner=me") == ["Mine"]
    assert await names(by_moderator, "/accounts?owner=me") == []
    assert await names(program, "/accounts?owner=none") == ["Nobody's"]
    assert await names(program, f"/accounts?owner={user.id}") == ["Mine"]
    assert await names(program, "/accounts?q=berlin") == ["Nobody's"]


async def test_goods_by_category_and_stock(program: Program, trade: Trade) -> None:
    await trade.good(name="Cheese", category="Dairy", stock=0)
    await trade.good(name="Milk", category="Dairy")
    await trade.good(name="Bread", category="Bakery")

    assert await names(program, "/goods?category=Dairy") == ["Cheese", "Milk"]
    assert await names(program, "/goods?stock=none") == ["Cheese"]
    assert await names(program, "/goods?stock=some&sort=-name") == ["Milk", "Bread"]


async def test_archived_rows_are_shown_only_when_asked_for(program: Program, trade: Trade) -> None:
    account = await trade.account(name="Gone")
    await trade.account(name="Here")
    await program.delete(f"/accounts/{account.id}", match="*")

    assert await names(program, "/accounts") == ["Here"]
    assert await names(program, "/accounts?archived=false") == ["Here"]
    assert await names(program, "/accounts?archived=true") == ["Gone"]


async def test_orders_by_state_and_account(program: Program, trade: Trade) -> None:
    good, account = await trade.good(), await trade.account()
    draft = await trade.order((good, 1), account=account)
    paid = await trade.order((good, 1), state=OrderState.PAID)

    assert await names(program, "/orders?state=open", "id") == [draft.id]
    assert await names(program, "/orders?state=paid", "id") == [paid.id]
    assert await names(program, f"/orders?account={account.id}", "id") == [draft.id]
    assert await names(program, "/orders?sort=number", "id") == [draft.id, paid.id]


async def test_a_list_costs_few_statements(app: Quart, program: Program, trade: Trade) -> None:
    for _ in range(10):
        await trade.order((await trade.good(), 1))
    await program.get("/orders")  # notes the use of the token, and fills the cache

    with trade.statements() as statements:
        page = await program.read("/orders?per_page=5")

    assert page["total"] == 10
    # the token, and the rows with their number; there are no tags and no custom fields
    assert len([s for s in statements if s.startswith("SELECT")]) == 2
