"""The pages of orders: list, page, paper, and the editor with its lines."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from quarterdeck_crm.models import OrderState, User

from .conftest import Auth, MakeUser
from .trading import Fields, Trade

HEADER = {"currency": "EUR", "ordered_on": "2026-11-21", "version": "0", "owner_id": ""}


async def numbers(auth: Auth, query: str = "") -> list[str]:
    """Return the numbers on a page of the list, in order."""
    response = await auth.get(f"/orders/?{query}")
    assert response.status_code == 200
    page = await response.get_data(as_text=True)
    return [
        part.partition("</a>")[0].partition(">")[2] for part in page.split('class="row-link"')[1:]
    ]


def line(index: int, good: str, quantity: str, **more: str) -> dict[str, str]:
    """Return the fields of one line of the editor."""
    values = {"good": good, "quantity": quantity, **more}
    return {f"lines-{index}-{name}": value for name, value in values.items()}


@pytest.mark.feature("AP3", "W1", "W4")
async def test_an_order_with_two_lines(auth: Auth, user: User, trade: Trade) -> None:
    await trade.account(name="Ernst Handel", code="ERNSH")
    await trade.good(name="Chai", code="11", price="18")
    await trade.good(name="Chang", code="12", price="0.333")

    saved = await auth.post(
        "/orders/new",
        **(HEADER | {"account": "Ernst Handel · ERNSH", "owner_id": str(user.id)}),
        **line(0, "Chai · 11", "2", discount="5"),
        **line(1, "Chang · 12", "7", price="", discount="0.1"),
    )

    assert saved.status_code == 303
    page = await (await auth.get(saved.location)).get_data(as_text=True)
    assert "Order Q000001" in page
    async with trade.session() as session:
        order = await trade.reload(session, 1)
        assert [line.amount for line in order.lines] == [Decimal("34.2"), Decimal("2.328669")]
        assert order.net == Decimal("36.528669"), "exact, not rounded"
    assert "36.53" in page


@pytest.mark.feature("W1")
async def test_lines_are_added_without_javascript_and_keep_what_was_typed(auth: Auth) -> None:
    typed = HEADER | {"account": "Ern", "remark": "By sea"} | line(0, "cha", "x", price="1,5")

    answer = await auth.post("/orders/new", **typed, add_line="1")

    assert answer.status_code == 200
    kept = Fields(await answer.get_data(as_text=True)).values
    assert {name: kept[name] for name in typed} == typed
    assert kept["lines-1-good"] == ""


async def test_lines_are_removed_without_javascript(auth: Auth) -> None:
    lines = line(0, "one", "1") | line(3, "two", "2") | line(7, "", "") | line(9, "three", "3")

    answer = await auth.post("/orders/new", **HEADER, **lines, remove_line="3")

    kept = Fields(await answer.get_data(as_text=True)).values
    goods = [value for name, value in kept.items() if name.endswith("-good")]
    assert goods == ["one", "three", ""], "and an empty one to go on with"


async def test_empty_lines_are_dropped(auth: Auth, trade: Trade) -> None:
    await trade.account(name="Acme")
    await trade.good(name="Chai")

    saved = await auth.post(
        "/orders/new", **HEADER, account="Acme", **line(0, "", ""), **line(2, "Chai", "1")
    )

    assert saved.status_code == 303
    async with trade.session() as session:
        assert len((await trade.reload(session, 1)).lines) == 1


async def test_words_that_fit_one_row_are_enough_and_others_bring_candidates(
    auth: Auth, trade: Trade
) -> None:
    await trade.account(name="Acme North", code="N")
    await trade.account(name="Acme South", code="S")
    await trade.good(name="Chai")

    refused = await auth.post("/orders/new", **HEADER, account="acme", **line(0, "cha", "1"))

    assert refused.status_code == 422
    page = await refused.get_data(as_text=True)
    assert "2 fit &#39;acme&#39;." in page
    assert '<option value="Acme South · S">' in page
    assert Fields(page).values["account"] == "acme"

    saved = await auth.post("/orders/new", **HEADER, account="acme south", **line(0, "cha", "1"))
    assert saved.status_code == 303


@pytest.mark.feature("W2")
@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"account": ""}, "Choose an account."),
        ({"account": "nobody"}, "Nothing fits"),
        ({"account": "Old"}, "Old is archived. Restore it first."),
        ({"ordered_on": "yesterday"}, "Enter a date."),
        ({"currency": "E1"}, "three capital letters"),
        ({"freight": "-1"}, "at least 0"),
        ({"lines-0-quantity": "0"}, "at least 1"),
        ({"lines-0-quantity": "many"}, "Enter a whole number."),
        ({"lines-0-quantity": "3000000000"}, "2147483647"),
        ({"lines-0-price": "0.0001"}, "At most 3 decimals"),
        ({"lines-0-discount": "101"}, "between 0 and 100"),
        ({"lines-0-discount": "1.25"}, "At most one decimal"),
        ({"lines-0-good": "Gone · GONE"}, "Gone is no longer for sale."),
        ({"currency": "USD"}, "Chai is priced in EUR. Enter a price in USD."),
    ],
)
async def test_an_order_refuses(
    auth: Auth, as_admin: Auth, trade: Trade, wrong: dict[str, str], problem: str
) -> None:
    await trade.account(name="Acme")
    old = await trade.account(name="Old", code="Old")
    await as_admin.post(f"/accounts/{old.id}/archive")
    await trade.good(name="Chai", code="11")
    gone = await trade.good(name="Gone", code="GONE")
    await as_admin.post(f"/goods/{gone.id}/archive")

    form = HEADER | {"account": "Acme"} | line(0, "Chai · 11", "2")
    refused = await auth.post("/orders/new", **(form | wrong))

    assert refused.status_code == 422
    page = await refused.get_data(as_text=True)
    assert problem in page
    for name, value in (form | wrong).items():
        assert Fields(page).values[name] == value
    assert await numbers(auth) == []


async def test_a_foreign_price_can_be_typed(auth: Auth, trade: Trade) -> None:
    await trade.account(name="Acme")
    await trade.good(name="Chai")

    form = HEADER | {"account": "Acme", "currency": "usd"}
    saved = await auth.post("/orders/new", **form, **line(0, "Chai", "2", price="21.5"))

    assert saved.status_code == 303
    async with trade.session() as session:
        order = await trade.reload(session, 1)
        assert (order.net, order.currency) == (Decimal(43), "USD")


async def test_the_editor_saves_back_what_it_showed(auth: Auth, user: User, trade: Trade) -> None:
    good = await trade.good(name="Chai", price="18.5")
    order = await trade.order((good, 2), actor=user, remark="By sea", freight="3.5")

    page = await (await auth.get(f"/orders/{order.id}/edit")).get_data(as_text=True)
    saved = await auth.post(f"/orders/{order.id}/edit", **Fields(page).values)

    assert saved.status_code == 303
    assert await trade.history(order) == ["created"], "nothing changed"


@pytest.mark.feature("AP3")
async def test_editing_lines_counts_anew_and_is_told_in_the_history(
    auth: Auth, user: User, trade: Trade
) -> None:
    chai, chang = await trade.good(name="Chai"), await trade.good(name="Chang", price="7")
    order = await trade.order((chai, 2), actor=user)
    page = await (await auth.get(f"/orders/{order.id}/edit")).get_data(as_text=True)

    form = Fields(page).values | line(0, f"Chang · {chang.code}", "3", price="")
    await auth.post(f"/orders/{order.id}/edit", **form)

    changed = await trade.read(order)
    assert [(item.good_id, item.quantity) for item in changed.lines] == [(chang.id, 3)]
    assert changed.net == 21
    assert changed.version > order.version
    shown = await (await auth.get(f"/orders/{order.id}")).get_data(as_text=True)
    assert "Lines changed" in shown


@pytest.mark.parametrize(
    ("state", "editable"),
    [
        (OrderState.DRAFT, {"account", "lines-0-good", "ship_city", "required_on", "remark"}),
        (OrderState.CONFIRMED, {"ship_city", "required_on", "remark"}),
        (OrderState.SHIPPED, {"remark"}),
        (OrderState.PAID, {"remark"}),
        (OrderState.CANCELLED, {"remark"}),
    ],
)
async def test_what_can_still_be_edited(
    as_admin: Auth, trade: Trade, state: OrderState, editable: set[str]
) -> None:
    order = await trade.order((await trade.good(), 2), state=state)
    everything = {"account", "lines-0-good", "ship_city", "required_on", "remark"}

    page = await (await as_admin.get(f"/orders/{order.id}/edit")).get_data(as_text=True)
    form = Fields(page).values
    forged = {"account": "other", "currency": "XXX", "freight": "9"} | line(0, "other", "99")
    saved = await as_admin.post(
        f"/orders/{order.id}/edit",
        **((forged if state != "draft" else {}) | form | {"remark": "R"}),
    )

    assert set(form) & everything == editable
    assert saved.status_code == 303
    kept = await trade.read(order)
    assert (kept.remark, kept.currency, kept.net) == ("R", "EUR", Decimal(20))
    assert [item.quantity for item in kept.lines] == [2]


@pytest.mark.parametrize("part", ["name", "address", "postal_code", "city", "region", "country"])
async def test_an_address_of_its_own_is_in_sight(auth: Auth, part: str) -> None:
    entry = HEADER | line(0, "", "") | {f"ship_{part}": "Hamburg", "add_line": "1"}
    page = await (await auth.post("/orders/new", **entry)).get_data(as_text=True)
    assert "Hamburg" in page
    assert re.search(r'<details class="panel" open>\s*<summary>Ship to another address', page)


@pytest.mark.feature("D9")
async def test_the_second_editor_of_an_order_is_told_and_can_choose(
    auth: Auth, as_moderator: Auth, user: User, trade: Trade
) -> None:
    chai = await trade.good(name="Chai", code="1")
    await trade.good(name="Chang", code="2")
    order = await trade.order((chai, 2), actor=user)
    there = f"/orders/{order.id}/edit"
    mine = Fields(await (await auth.get(there)).get_data(as_text=True)).values
    theirs = Fields(await (await as_moderator.get(there)).get_data(as_text=True)).values
    await as_moderator.post(there, **(theirs | line(1, "Chang · 2", "1") | {"ship_city": "Graz"}))

    told = await auth.post(there, **(mine | line(0, "Chai · 1", "5") | {"remark": "Hurry"}))

    assert told.status_code == 409
    page = await told.get_data(as_text=True)
    shown = '<data value="1">1</data> × Chang · 2, <data value="10">10</data>'
    assert shown in page, "what is there now is shown"
    again = Fields(page).values
    assert (again["lines-0-quantity"], again["remark"]) == ("5", "Hurry")
    assert again["ship_city"] == "Graz", "only the other changed it"
    kept = await trade.read(order)
    assert [item.quantity for item in kept.lines] == [2, 1], "nothing is overwritten"

    assert (await auth.post(there, **again)).status_code == 303
    kept = await trade.read(order)
    assert [(item.good_id, item.quantity) for item in kept.lines] == [(chai.id, 5)]
    assert (kept.ship_city, kept.remark) == ("Graz", "Hurry")


async def test_untouched_lines_take_over_what_the_other_saved(
    auth: Auth, as_moderator: Auth, user: User, trade: Trade
) -> None:
    chai = await trade.good(name="Chai", code="1")
    order = await trade.order((chai, 2), actor=user)
    there = f"/orders/{order.id}/edit"
    mine = Fields(await (await auth.get(there)).get_data(as_text=True)).values
    await as_moderator.post(there, **(mine | line(0, "Chai · 1", "9")))

    told = await auth.post(there, **(mine | {"remark": "Hurry"}))

    again = Fields(await told.get_data(as_text=True)).values
    assert (again["lines-0-quantity"], again["remark"]) == ("9", "Hurry")
    assert (await auth.post(there, **again)).status_code == 303


async def test_an_editor_whose_order_was_confirmed_keeps_what_is_still_open(
    auth: Auth, user: User, trade: Trade
) -> None:
    order = await trade.order((await trade.good(), 2), actor=user)
    there = f"/orders/{order.id}/edit"
    mine = Fields(await (await auth.get(there)).get_data(as_text=True)).values
    await trade.move(order, OrderState.CONFIRMED)

    told = await auth.post(there, **(mine | {"remark": "Hurry"}))

    assert told.status_code == 409
    again = Fields(await told.get_data(as_text=True)).values
    assert again["remark"] == "Hurry"
    assert "lines-0-good" not in again
    assert (await auth.post(there, **again)).status_code == 303


async def test_somebody_elses_order_is_shown_but_not_edited(
    auth: Auth, trade: Trade, make_user: MakeUser
) -> None:
    other = await make_user(email="other@example.com")
    order = await trade.order(actor=other)

    page = await (await auth.get(f"/orders/{order.id}")).get_data(as_text=True)

    assert f"/orders/{order.id}/edit" not in page
    assert (await auth.get(f"/orders/{order.id}/edit")).status_code == 403
    assert (await auth.post(f"/orders/{order.id}/edit", remark="x")).status_code == 403


async def test_an_order_begun_at_an_account_is_for_it(auth: Auth, trade: Trade) -> None:
    account = await trade.account(name="Acme")

    page = await (await auth.get(f"/orders/new?account={account.id}")).get_data(as_text=True)

    assert Fields(page).values["account"] == f"Acme · #{account.id}"
    assert (await auth.get("/orders/new?account=4711")).status_code == 404


async def test_the_list_finds_filters_and_sorts(auth: Auth, user: User, trade: Trade) -> None:
    good = await trade.good()
    acme, zeta = await trade.account(name="Acme"), await trade.account(name="Zeta")
    await trade.order((good, 3), account=zeta, actor=user)
    await trade.order((good, 1), account=acme, state=OrderState.PAID, ordered_on="2026-01-01")
    one, two = "Q000001", "Q000002"

    assert await numbers(auth, "q=acm") == [two]
    assert await numbers(auth, "q=q000001") == [one]
    assert await numbers(auth, "state=paid") == [two]
    assert await numbers(auth, "state=open") == [one]
    assert await numbers(auth, "owner=me") == [one]
    assert await numbers(auth, f"account={zeta.id}") == [one]
    assert await numbers(auth, "state=nonsense&account=x&owner=y") == [one, two]
    for key, first in {
        "number": one,
        "date": two,
        "account": two,
        "net": two,
        "state": one,
    }.items():
        up = await numbers(auth, f"sort={key}")
        assert up == [first, two if first == one else one]
        assert await numbers(auth, f"sort=-{key}") == up[::-1]


async def test_paper_has_the_lines_and_no_menus(auth: Auth, trade: Trade) -> None:
    good = await trade.good(name="Chai", price="18")
    order = await trade.order((good, 2), freight="1.5")

    page = await (await auth.get(f"/orders/{order.id}/print")).get_data(as_text=True)

    assert "Chai" in page
    assert "37.50" in page
    assert "Dashboard" not in page


async def test_a_number_that_an_imported_order_has_is_not_given_again(
    user: User, trade: Trade
) -> None:
    good = await trade.good()
    first = await trade.order((good, 1), actor=user, number="Q000002")
    second = await trade.order((good, 1), actor=user)
    assert (first.number, first.id, second.id) == ("Q000002", 1, 2)
    assert re.fullmatch(r"Q000002-[0-9a-f]{4}", second.number)
    third = await trade.order((good, 1), actor=user)
    assert (third.number, third.version) == ("Q000003", 1)


async def test_unknown_orders_are_not_found(auth: Auth) -> None:
    for path in ("", "/edit", "/print"):
        assert (await auth.get(f"/orders/4711{path}")).status_code == 404
    assert (await auth.post("/orders/4711/move", to="paid")).status_code == 404


async def test_a_form_and_a_new_order_read_each_thing_once(auth: Auth, trade: Trade) -> None:
    await trade.account(name="Ernst Handel", code="ERNSH")
    account = HEADER | {"account": "Ernst Handel · ERNSH"}
    with trade.statements() as refused:
        answer = await auth.post("/orders/new", **(account | {"currency": "?"}))
    with trade.statements() as placed:
        saved = await auth.post("/orders/new", **account)

    assert (answer.status_code, saved.status_code) == (422, 303)
    assert sum("ORDER BY user.name_key" in text.replace('"', "") for text in refused) == 1
    # By its words, and once more when it is locked.
    assert sum("FROM account" in text for text in placed) == 2


async def test_an_account_is_created_from_the_form_of_an_order_which_keeps_its_entries(
    auth: Auth, trade: Trade
) -> None:
    await trade.good(name="Chai", code="11", price="502.5", stock=7)
    form = Fields(await (await auth.get("/orders/new")).get_data(as_text=True)).values
    typed = form | {"account": "Harbour Office", "lines-0-good": "Chai", "remark": "Soon"}

    async def create() -> str:
        response = await auth.post("/accounts/new/for-order", **typed)
        assert response.status_code == 200
        return await response.get_data(as_text=True)

    page = await create()
    assert 'action="/orders/new"' in page
    assert '<a href="/orders/" aria-current="true">' in page, "it is still the form of an order"
    assert '<a href="/accounts/">' in page
    values = Fields(page).values
    assert values["account"].startswith("Harbour Office · #")
    assert (values["lines-0-good"], values["remark"]) == ("Chai", "Soon")
    hint = page[page.index("data-hint") :].partition("</td>")[0]
    assert "502.50" in hint
    assert '<data value="7">7</data> in stock' in hint
    assert Fields(await create()).values["account"] == values["account"]  # sent twice, made once
    placed = await auth.post("/orders/new", **(values | {"lines-0-quantity": "2"}))
    assert placed.status_code == 303
    edit = Fields(await (await auth.get(f"{placed.location}/edit")).get_data(as_text=True)).values
    assert edit["lines-0-price"] == "502.50"

    for name, status in (("", 422), ("x" * 201, 422)):
        refused = await auth.post("/accounts/new/for-order", **(typed | {"account": name}))
        assert refused.status_code == status
        assert "Soon" in await refused.get_data(as_text=True)
