"""The dashboard's figures, its page, the search and the appearance."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from quart import Quart

from quarterdeck_crm.dashboard import panels, services
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Good, Order, OrderLine, OrderState, User
from quarterdeck_crm.models.columns import utc_now
from tests.crm.conftest import Auth
from tests.crm.trading import Trade

Sell = Callable[..., Awaitable[Order]]


@pytest.fixture
async def business(app: Quart) -> tuple[list[Account], list[Good]]:
    """Two accounts and two goods, one of which is archived."""
    accounts = [Account(name="Ernst Handel", city="Graz"), Account(name="QUICK-Stop")]
    goods = [
        Good(code="1", name="Chai", price=Decimal(18), currency="USD"),
        Good(code="2", name="Ikura", price=Decimal(31), currency="USD"),
    ]
    goods[1].archived_at = utc_now()
    async with app.app_context(), db.transaction() as session:
        session.add_all([*accounts, *goods])
    return accounts, goods


@pytest.fixture
def sell(app: Quart, business: tuple[list[Account], list[Good]]) -> Sell:
    """Write down an order of one line; the rules of orders are not what is tested here."""
    accounts, goods = business
    numbers = iter(range(10248, 99999))

    async def write(
        net: str,
        *,
        account: int = 0,
        good: int = 0,
        state: OrderState = OrderState.PAID,
        on: str = "1998-05-06",
        currency: str = "USD",
        owner: User | None = None,
    ) -> Order:
        order = Order(
            number=str(next(numbers)),
            account_id=accounts[account].id,
            owner_id=owner.id if owner else None,
            state=state,
            currency=currency,
            ordered_on=date.fromisoformat(on),
            net=Decimal(net),
        )
        line = OrderLine(position=1, good_id=goods[good].id, quantity=2, price=0, amount=order.net)
        order.lines.append(line)
        async with app.app_context(), db.transaction() as session:
            session.add(order)
        return order

    return write


async def test_counts_tell_what_is_archived(app: Quart, sell: Sell) -> None:
    await sell("10")
    async with app.app_context():
        counts = await services.count_everything(db.session)
    assert counts == services.Counts(accounts=2, archived_accounts=0, goods=1, archived_goods=1)


async def test_sales_leave_out_drafts_and_cancelled_orders(app: Quart, sell: Sell) -> None:
    for net, state in zip(("1", "20.0005", "300", "4000", "50000"), OrderState, strict=True):
        await sell(net, state=state)
    async with app.app_context():
        standing = await services.read_standing(db.session)
    assert standing.sales == {"USD": Decimal("4320.0005")}
    assert standing.orders == 5


async def test_sales_of_different_currencies_are_never_added_up(app: Quart, sell: Sell) -> None:
    await sell("5", currency="EUR")
    await sell("7", currency="USD")
    await sell("9", currency="USD")
    async with app.app_context():
        standing = await services.read_standing(db.session)
    assert list(standing.sales.items()) == [("USD", Decimal(16)), ("EUR", Decimal(5))]


async def test_months_without_sales_are_zero(app: Quart, sell: Sell) -> None:
    await sell("10", on="1997-12-31")
    await sell("20", on="1998-02-01")
    await sell("5", on="1998-02-28")
    await sell("99", on="1998-02-28", state=OrderState.DRAFT)
    await sell("77", on="1997-11-30")
    async with app.app_context():
        months = await services.sales_by_month(
            db.session, currency="USD", months=services.months_until(date(1998, 2, 28), 3)
        )
    assert list(months.values()) == [
        (date(1997, 12, 1), Decimal(10), 1),
        (date(1998, 1, 1), Decimal(0), 0),
        (date(1998, 2, 1), Decimal(25), 2),
    ]


async def test_best_come_first_with_their_numbers(app: Quart, sell: Sell) -> None:
    await sell("10", account=0, good=1)
    await sell("10", account=0, good=1)
    await sell("30", account=1, good=0)
    await sell("500", account=0, currency="EUR")
    async with app.app_context():
        accounts = await services.best_accounts(db.session, currency="USD")
        goods = await services.best_goods(db.session, currency="USD", limit=1)
    assert [(a.name, a.net, a.number) for a in accounts] == [
        ("QUICK-Stop", Decimal(30), 1),
        ("Ernst Handel", Decimal(20), 2),
    ]
    assert [(g.name, g.net, g.number) for g in goods] == [("Chai", Decimal(30), 2)]


@pytest.mark.feature("AP6")
async def test_page_shows_the_exact_total_rounded_once(auth: Auth, sell: Sell) -> None:
    await sell("1265793.0395")
    page = await text_of(auth, "/")
    assert ">1,265,793.04</data> <small>USD</small>" in page
    assert "<svg role=" in page


async def test_page_adds_up_more_than_an_integer_holds(auth: Auth, trade: Trade) -> None:
    orders = [await trade.order() for _ in range(12)]
    async with trade.session() as session:
        for order in orders:
            found = await session.get_one(Order, order.id)
            found.net, found.state = Decimal(999_999_999_999), OrderState.PAID

    assert "11,999,999,999,988.00" in await text_of(auth, "/")


async def test_empty_page_says_what_to_do(auth: Auth) -> None:
    page = await text_of(auth, "/")
    assert "No sales yet" in page
    assert "Nothing waits for you" in page


async def test_page_lists_my_open_orders_only(auth: Auth, user: User, sell: Sell) -> None:
    mine = await sell("1", state=OrderState.CONFIRMED, owner=user)
    other = await sell("2", state=OrderState.CONFIRMED)
    done = await sell("3", state=OrderState.PAID, owner=user)
    page = await text_of(auth, "/")
    assert f">{mine.number}<" in page
    assert f">{other.number}<" not in page
    assert f">{done.number}<" not in page


async def test_currency_is_chosen_in_the_address(auth: Auth, sell: Sell) -> None:
    await sell("1", currency="USD")
    await sell("2", currency="EUR")
    assert "net in EUR" in await text_of(auth, "/?currency=EUR")
    assert "net in EUR" in await text_of(auth, "/?currency=XXX")


async def test_search_finds_accounts_goods_and_orders(auth: Auth, sell: Sell) -> None:
    order = await sell("1")
    page = await text_of(auth, "/search?q=ernst")
    assert "Ernst Handel" in page
    assert order.number in page
    assert "QUICK-Stop" not in page
    assert "Chai" in await text_of(auth, "/search?q=chai")


@pytest.mark.parametrize(("q", "said"), [("zzz", "Nothing found"), ("", "Search everything")])
async def test_search_says_what_to_do_next(auth: Auth, q: str, said: str) -> None:
    assert said in await text_of(auth, f"/search?q={q}")


async def test_search_escapes_the_words(auth: Auth) -> None:
    assert "<img" not in (await text_of(auth, "/search?q=%3Cimg+id%3Dx%3E")).split("<main")[1]


async def test_appearance_is_remembered_without_a_script(auth: Auth) -> None:
    response = await auth.post("/appearance?next=/search", theme="dark")
    assert response.headers["Location"] == "/search"
    assert 'data-bs-theme="dark"' in await text_of(auth, "/")
    await auth.post("/appearance", theme="system")
    assert "data-bs-theme" not in await text_of(auth, "/")


async def test_appearance_takes_known_words_only(auth: Auth) -> None:
    await auth.post("/appearance?next=//evil.example", theme='"><script>')
    assert "data-bs-theme" not in await text_of(auth, "/")


async def text_of(auth: Auth, path: str) -> str:
    response = await auth.get(path)
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


NUMBER = re.compile(r'<a [^>]*href="(/(?:orders|deals|goods|tasks)/\?[^"]+)"[^>]*>(.*?)</a>', re.S)
AMOUNT = re.compile(r'class="money"><data value="([\d.]+)">.*?<small>(\w+)</small>')
COUNT = re.compile(r'^<data value="(\d+)">')


async def test_numbers_agree_with_the_lists_that_they_lead_to(
    auth: Auth, user: User, trade: Trade
) -> None:
    today = utc_now().date()
    before = services.months_before(today, 1)
    good, other = await trade.good(price="125.5"), await trade.good(price="3", currency="USD")
    account = await trade.account(actor=user)
    for day in (today, today, before, date(2026, 1, 1)):
        for state in (OrderState.PAID, OrderState.CONFIRMED, OrderState.DRAFT):
            await trade.order((good, 2), account=account, ordered_on=day, actor=user, state=state)
    await trade.order((good, 1), ordered_on=before, state=OrderState.SHIPPED)
    await trade.order((other, 7), ordered_on=today, state=OrderState.PAID, currency="USD")
    await trade.deal(actor=user, value="800")
    await trade.task(actor=user, assignee_id=user.id, due_on=date(2026, 1, 1))
    await trade.task(actor=user, assignee_id=user.id, due_on=today)

    checked = 0
    for query in ("", f"?currency=USD&month={before:%Y-%m}", f"?currency=EUR&month={before:%Y-%m}"):
        page = await text_of(auth, f"/{query}")
        for href, inside in NUMBER.findall(page):
            path = html.unescape(href)
            listed = await text_of(auth, f"{path}&per_page=100")
            rows = listed.count('<tr id="') or listed.count('class="row-link"')
            inside = inside.strip()
            if amount := AMOUNT.search(inside):
                nets = [net for net, code in AMOUNT.findall(listed) if code == amount[2]]
                assert sum(map(Decimal, nets)) == Decimal(amount[1]), path
                assert len(nets) == rows, path
            elif count := COUNT.search(inside):
                assert rows == int(count[1]), path
            else:
                continue
            checked += 1
    assert checked > 40


async def test_quiet_accounts_are_those_of_the_list(app: Quart, auth: Auth, trade: Trade) -> None:
    good = await trade.good()
    today = utc_now().date()
    quiet, busy = await trade.account(name="Quiet"), await trade.account(name="Busy")
    never = await trade.account(name="Never")
    for account, days in ((quiet, 91), (busy, 200), (busy, 89)):
        day = today - timedelta(days=days)
        await trade.order((good, 1), account=account, ordered_on=day, state=OrderState.PAID)

    async with app.app_context():
        found = await panels.quiet_accounts(db.session, currency="EUR")
    assert [(each.name, each.last) for each in found] == [("Quiet", today - timedelta(days=91))]
    listed = await text_of(auth, "/accounts/?idle=90")
    assert f"/accounts/{quiet.id}" in listed
    assert f"/accounts/{busy.id}" not in listed
    assert f"/accounts/{never.id}" not in listed
    assert (await auth.get("/accounts/?idle=99999999999999999999")).status_code == 200


async def test_first_steps_are_shown_until_they_are_done_or_hidden(
    auth: Auth, as_admin: Auth, trade: Trade
) -> None:
    assert "Three steps to start" in await text_of(as_admin, "/")
    assert "Three steps to start" not in await text_of(auth, "/")
    hidden = await as_admin.post("/start/dismiss")
    assert hidden.status_code == 303
    assert "Three steps to start" not in await text_of(as_admin, "/")
    as_admin.client.delete_cookie("localhost", "start")
    assert "Three steps to start" in await text_of(as_admin, "/")
    await trade.account()  # with two users, all is done
    assert "Three steps to start" not in await text_of(as_admin, "/")


async def test_a_month_that_has_begun_is_a_share_of_the_whole_one_before(
    auth: Auth, sell: Sell
) -> None:
    today = utc_now().date()
    await sell("200", on=services.months_before(today, 1).isoformat())
    await sell("76", on=today.isoformat())

    page = html.unescape(re.sub(r"<[^>]+>", "", await text_of(auth, "/")))

    assert "This month so far" in page
    assert "38% of last month" in page


async def test_owners_are_shown_for_a_month(auth: Auth, user: User, sell: Sell) -> None:
    await sell("30", on="2026-10-05", owner=user)
    await sell("12", on="2026-09-05", owner=user)
    await sell("5", on="2026-10-06")

    page = await text_of(auth, "/?month=2026-10")
    owners = page[page.index('id="owners"') :].partition("</section>")[0]

    assert "October 2026" in owners
    assert owners.index(user.name) < owners.index("No owner")
    assert 'value="30.00"' in owners
    assert 'value="12.00"' in owners
    for month in ("2026-13", "0001-01", "9999-12", "x"):
        assert (await auth.get(f"/?month={month}")).status_code == 200
