"""Too little in stock is said before an order is confirmed, and keeps nobody from saving it."""

from __future__ import annotations

from quart import Response

from quarterdeck_crm.models import OrderState
from tests.crm.conftest import Auth
from tests.crm.sheets import sheet_to
from tests.crm.trading import Trade

TITLE = "Not enough in stock to confirm this order"


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


def hints(page: str) -> int:
    """Return how many lines of an editor are marked."""
    return page.count('data-short role="status">')


async def test_the_page_of_a_draft_names_every_shortage(auth: Auth, trade: Trade) -> None:
    chai, rope = await trade.good(name="Chai", stock=5), await trade.good(name="Rope", stock=1)
    enough = await trade.good(name="Lantern", stock=3)
    order = await trade.order((chai, 3), (rope, 2), (chai, 4), (enough, 3))

    text = await text_of(await auth.get(f"/orders/{order.id}"))

    assert TITLE in text
    assert "Chai: 7 ordered, 5 in stock." in text
    assert "Rope: 2 ordered, 1 in stock." in text
    assert "Lantern: " not in text


async def test_other_orders_and_drafts_with_enough_say_nothing(auth: Auth, trade: Trade) -> None:
    good = await trade.good(stock=5)
    confirmed = await trade.order((good, 5), state=OrderState.CONFIRMED)
    other = await trade.good(stock=5)
    draft = await trade.order((other, 5))

    for order in (confirmed, draft):
        assert TITLE not in await text_of(await auth.get(f"/orders/{order.id}"))


async def test_the_editor_marks_the_lines_and_saves(as_admin: Auth, trade: Trade) -> None:
    good = await trade.good(name="Chai", stock=5)
    order = await trade.order((good, 4), (good, 1))
    page = f"/orders/{order.id}/edit"
    opened = await text_of(await as_admin.get(page))
    sheet = sheet_to(opened, page).values | {"lines-1-quantity": "2"}

    added = await text_of(await as_admin.client.post(page, form=sheet | {"add_line": "1"}))
    wrong = await text_of(await as_admin.client.post(page, form=sheet | {"freight": "much"}))
    saved = await as_admin.client.post(page, form=sheet)

    assert (hints(opened), hints(added), hints(wrong)) == (0, 2, 2)
    assert 'Only <data value="5">5</data> in stock' in added
    assert saved.status_code == 303
    assert "Chai: 6 ordered, 5 in stock." in await text_of(await as_admin.get(saved.location))
