"""The goods: its pages, who may change them and its own templates and files."""

from __future__ import annotations

import asyncio

import pytest
from quart import Quart

from quarterdeck_crm.errors import ConflictError, ForbiddenError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods.services import create_good, get_good
from quarterdeck_crm.models import Good, OrderState, Role, User
from quarterdeck_crm.permissions import require_role

from .conftest import Auth
from .trading import Fields, Trade

ROPE = {
    "name": "Rope, 10 m",
    "code": "R10",
    "category": "Ropes",
    "price": "12.1250",
    "currency": "eur",
    "stock": "3",
    "version": "0",
}


async def names(auth: Auth, query: str = "") -> list[str]:
    """Return the names on a page of the list, in order."""
    page = await (await auth.get(f"/goods/?{query}")).get_data(as_text=True)
    return [
        part.partition("</a>")[0].partition(">")[2] for part in page.split('class="row-link"')[1:]
    ]


@pytest.mark.feature("AP3", "W1")
async def test_a_moderator_adds_a_good(as_moderator: Auth, trade: Trade) -> None:
    saved = await as_moderator.post("/goods/new", **ROPE)

    assert saved.status_code == 303
    page = await (await as_moderator.get(saved.location)).get_data(as_text=True)
    assert "Rope, 10 m" in page
    assert "EUR" in page
    async with trade.app.app_context():
        good = await get_good(db.session, good_id=1)
    assert str(good.price) == "12.125", "three decimals are kept, though two are shown"


@pytest.mark.feature("W2")
@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("code", "TAKEN", "Another good has this number."),
        ("code", " TAKEN ", "Another good has this number."),
        ("code", "", "Enter a code."),
        ("price", "1,234", "can be read in two ways. Write 1234 or 1,2340."),
        ("price", "1_0", "Enter a number, such as 12.50."),
        ("price", "9" * 400, "That number is too large."),
        ("stock", "9" * 400, "That number is too large."),
        ("stock", "1_0", "Enter a whole number."),
        ("price", "NaN", "Enter a number, such as 12.50."),
        ("price", "1e400", "Enter a number, such as 12.50."),
        ("price", "1.2345", "At most 3 decimals are allowed."),
        ("price", "-1", "Enter a number that is not negative."),
        ("stock", "1.5", "Enter a whole number."),
        ("stock", "99999999999", "Enter a whole number from 0 to 2147483647."),
        ("currency", "eu1", "Enter a currency as three capital letters"),
    ],
)
async def test_a_good_refuses(
    as_moderator: Auth, trade: Trade, field: str, value: str, problem: str
) -> None:
    await trade.good(code="TAKEN")

    refused = await as_moderator.post("/goods/new", **(ROPE | {field: value}))

    assert refused.status_code == 422
    page = await refused.get_data(as_text=True)
    assert problem in page
    assert Fields(page).values["name"] == "Rope, 10 m"


async def test_one_sku_taken_twice_at_once_is_a_conflict(app: Quart, trade: Trade) -> None:
    values = ROPE | {"currency": "EUR"}

    async def add() -> Good:
        async with app.app_context(), db.transaction() as session:
            return await create_good(session, actor=None, values=values)

    results = await asyncio.gather(*(add() for _ in range(4)), return_exceptions=True)

    lost = [result for result in results if not isinstance(result, Good)]
    assert len(lost) == 3
    assert all(isinstance(error, ConflictError | ValidationError) for error in lost)


async def _is_free(*_: object, **__: object) -> bool:
    """Stand for the moment between the check of a code and the save of another user."""
    return True


@pytest.fixture
def code_taken_after_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck_crm.goods.services.is_code_free", _is_free)


@pytest.mark.usefixtures("code_taken_after_the_check")
async def test_a_code_taken_at_the_same_moment_is_no_edit_conflict(
    as_moderator: Auth, trade: Trade
) -> None:
    await trade.good(code="TAKEN")
    good = await trade.good(code="FREE")
    page = await (await as_moderator.get(f"/goods/{good.id}/edit")).get_data(as_text=True)
    entries = Fields(page).values | {"code": "TAKEN", "name": "Rope"}

    refused = await as_moderator.post(f"/goods/{good.id}/edit", **entries)

    assert refused.status_code == 409
    text = await refused.get_data(as_text=True)
    assert "Another save took a value that must be unique" in text
    assert "while you were editing" not in text
    again = Fields(text).values
    assert (again["code"], again["name"]) == ("TAKEN", "Rope"), "the entries are kept"
    saved = await as_moderator.post(f"/goods/{good.id}/edit", **(again | {"code": "OTHER"}))
    assert saved.status_code == 303


@pytest.mark.feature("V4")
@pytest.mark.parametrize("path", ["/goods/new", "/goods/1/edit"])
async def test_only_moderators_keep_the_catalogue(auth: Auth, trade: Trade, path: str) -> None:
    await trade.good(name="Chai")

    assert (await auth.get(path)).status_code == 403
    assert (await auth.post(path, **ROPE)).status_code == 403
    assert await names(auth) == ["Chai"]
    assert "/goods/new" not in await (await auth.get("/goods/")).get_data(as_text=True)


async def test_filters_and_search(auth: Auth, trade: Trade) -> None:
    await trade.good(name="Rope", category="Deck", stock=0)
    await trade.good(name="Paint", category="Deck", code="P-1")
    await trade.good(name="Tea", category="Galley")

    assert await names(auth, "category=Deck") == ["Paint", "Rope"]
    assert await names(auth, "category=Deck&stock=some") == ["Paint"]
    assert await names(auth, "stock=none") == ["Rope"]
    assert await names(auth, "q=p-1") == ["Paint"]
    assert await names(auth, "q=galley") == ["Tea"]


@pytest.mark.parametrize("key", ["name", "code", "category", "price", "stock", "created"])
async def test_the_list_sorts_both_ways_by(auth: Auth, trade: Trade, key: str) -> None:
    await trade.good(name="A", code="A", category="A", price="9.5", stock=2)
    await trade.good(name="B", code="B", category="B", price="10", stock=10)

    assert await names(auth, f"sort={key}") == ["A", "B"]
    assert await names(auth, f"sort=-{key}") == ["B", "A"]


@pytest.mark.feature("D9")
async def test_an_editor_does_not_undo_what_an_order_took(as_moderator: Auth, trade: Trade) -> None:
    good = await trade.good(name="Chai", stock=10)
    page = await (await as_moderator.get(f"/goods/{good.id}/edit")).get_data(as_text=True)
    await trade.order((good, 4), state=OrderState.CONFIRMED)

    told = await as_moderator.post(
        f"/goods/{good.id}/edit", **(Fields(page).values | {"name": "Green chai"})
    )

    assert told.status_code == 409
    again = Fields(await told.get_data(as_text=True)).values
    assert (again["name"], again["stock"]) == ("Green chai", "6")
    assert (await as_moderator.post(f"/goods/{good.id}/edit", **again)).status_code == 303
    assert await trade.stock(good) == 6


async def test_archived_goods_are_not_suggested_and_come_back(
    as_moderator: Auth, trade: Trade
) -> None:
    good = await trade.good(name="Chai")
    await as_moderator.post(f"/goods/{good.id}/archive")

    assert await names(as_moderator) == []
    assert await (await as_moderator.get("/goods/suggest?q=chai")).get_json() == []
    await as_moderator.post(f"/goods/{good.id}/restore")
    assert await names(as_moderator) == ["Chai"]
    assert await trade.history(good) == ["restored", "archived", "created"]


async def test_suggestions_bring_what_a_line_needs(auth: Auth, trade: Trade) -> None:
    await trade.good(name="Chai", code="11", price="18.50", stock=39, unit="box")

    found = await (await auth.get("/goods/suggest?q=ch")).get_json()

    assert found == [
        {
            "label": "Chai · 11",
            "price": "18.5",
            "currency": "EUR",
            "stock": 39,
            "unit": "box",
            "picture": None,
        }
    ]


@pytest.mark.feature("B1")
async def test_the_blueprint_serves_files_of_its_own(auth: Auth, trade: Trade) -> None:
    good = await trade.good()

    page = await (await auth.get(f"/goods/{good.id}")).get_data(as_text=True)
    sheet = await auth.get("/goods/static/goods.css")

    assert "/goods/static/goods.css" in page
    assert sheet.status_code == 200
    assert sheet.mimetype == "text/css"


def test_a_lesser_role_is_refused_by_the_services() -> None:
    """Whatever the page or the API lets through."""
    require_role(None, Role.ADMIN)
    require_role(User(role=Role.ADMIN), Role.MODERATOR)

    with pytest.raises(ForbiddenError, match="needs the role Moderator"):
        require_role(User(role=Role.USER), Role.MODERATOR)
