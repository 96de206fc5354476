"""An export of a list has the records of the list, all of them and in its order."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from io import StringIO
from itertools import groupby
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import select

from quarterdeck_crm.accounts.services import archive_account, get_account
from quarterdeck_crm.deals.services import move_deal
from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.fields import create_field
from quarterdeck_crm.lists.records import LISTS, RecordList
from quarterdeck_crm.models import AuditAction, AuditEvent, OrderState, User
from quarterdeck_crm.tasks.services import complete_task
from quarterdeck_crm.transfer import exporting
from quarterdeck_crm.transfer.kinds import PARTS
from tests.crm.conftest import Auth
from tests.crm.test_undo import text_of
from tests.crm.trading import Trade

TODAY = date.today()  # noqa: DTZ011 - the days of the records only have to be near
MANY = 7  # records of a list, read in pieces of two

Fill = Callable[[Trade, User], Awaitable[Sequence[str]]]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PIECE", 2)


@pytest.fixture
async def vip(trade: Trade, admin: User) -> dict[str, Any]:
    """The tag and the custom field of some records, as their services take them."""
    async with trade.session() as session:
        for kind in ("account", "person", "good", "order", "deal"):
            values = {"label": "Size", "key": "size", "type": "number", "in_list": True}
            await create_field(session, actor=admin, kind=kind, values=values)
    return {"tags": "VIP", "fields": {"size": "5"}}


async def _accounts(trade: Trade, admin: User, vip: dict[str, Any]) -> Sequence[str]:
    accounts = []
    for number in range(MANY):
        values: dict[str, Any] = {"name": f"Harbour {number}" if number % 2 else f"Zoo {number}"}
        values |= {"city": f"City {number % 3}"} | (vip if number < 4 else {})
        accounts.append(await trade.account(actor=admin if number > 1 else None, **values))
    for number in (1, 1, 4, 5, 5, 5):
        day = TODAY - timedelta(60 if number == 4 else 1)
        await trade.order(account=accounts[number], ordered_on=day)
    async with trade.session() as session:
        account = await get_account(session, account_id=accounts[6].id)
        await archive_account(session, actor=admin, account=account)
    return (
        "", "q=harbour&sort=-name", "owner=me&sort=city", "owner=none", "archived=1", "idle=30",
        "sort=orders", "sort=-orders&owner=me", "sort=owner", "sort=-created&q=zoo", "tag=1",
        "field=size:4..6", f"created_from={TODAY - timedelta(2)}&created_to={TODAY}", "q=nobody",
    )  # fmt: skip


async def _people(trade: Trade, _admin: User, vip: dict[str, Any]) -> Sequence[str]:
    account = await trade.account(name="Harbour")
    for number in range(MANY):
        phones = [{"label": "work", "number": f"+49 30 100{n}"} for n in range(number % 3)]
        values = {"phones": phones, "do_not_contact": number % 2 == 0}
        values |= vip if number < 4 else {}
        await trade.person(account if number < 5 else None, name=f"Ada {number}", **values)
    return (
        "", "sort=-name", "sort=-created", f"account={account.id}", "contact=no&sort=-name",
        "contact=yes", "q=ada", "q=ada+3", "tag=1", "field=size:5", "archived=1",
    )  # fmt: skip


async def _goods(trade: Trade, _admin: User, vip: dict[str, Any]) -> Sequence[str]:
    for number in range(MANY):
        values: dict[str, Any] = {"price": str(number % 4), "stock": number % 3}
        values |= {"category": "Ropes" if number % 2 else "Sails"} | (vip if number < 4 else {})
        await trade.good(name=f"Good {number}", **values)
    return (
        "", "sort=-price", "sort=stock", "category=Ropes&sort=-name", "stock=none", "stock=some",
        "price_from=1&price_to=2", "tag=1", "field=size:5..", "q=good",
    )  # fmt: skip


async def _orders(trade: Trade, admin: User, vip: dict[str, Any]) -> Sequence[str]:
    goods = {code: await trade.good(currency=code) for code in ("EUR", "USD")}
    accounts = [await trade.account() for _ in range(2)]
    states = [OrderState.DRAFT, OrderState.CONFIRMED, OrderState.SHIPPED, OrderState.CANCELLED]
    for number in range(MANY):
        currency = "EUR" if number % 3 else "USD"
        good, values = goods[currency], vip if number < 4 else {}
        await trade.order(
            (good, 1 + number % 3),
            (good, 2),
            account=accounts[number % 2],
            actor=admin if number % 2 else None,
            state=states[number % 4],
            currency=currency,
            ordered_on=TODAY - timedelta(number // 2),
            **values,
        )
    return (
        "", "sort=number", "sort=-net", "sort=account", "sort=-owner", "sort=-state",
        "state=open&sort=-date", "state=sold", "state=draft&owner=none", "owner=me&sort=net",
        f"account={accounts[1].id}", "currency=USD", f"date_from={TODAY - timedelta(1)}",
        "net_from=30&net_to=45&sort=-net", "tag=1&sort=account", "field=size:5&sort=number",
        f"q={accounts[0].name.replace(' ', '+')}", "q=Q0000",
    )  # fmt: skip


async def _deals(trade: Trade, admin: User, vip: dict[str, Any]) -> Sequence[str]:
    good = await trade.good()
    account = await trade.account()
    for number in range(MANY):
        values: dict[str, Any] = {"account_id": account.id} if number % 2 else {}
        values |= {"expected_on": TODAY + timedelta(number - 3)} | (vip if number < 4 else {})
        lines = [(good, 1 + n) for n in range(number % 3)]
        deal = await trade.deal(*lines, actor=admin if number > 2 else None, **values)
        if number in (1, 5):
            async with trade.session() as session:
                await move_deal(session, actor=admin, deal_id=deal.id, stage_id=4)
    return (
        "", "sort=-value", "sort=name", "state=won", "state=open", "state=lost", "stage=1",
        "owner=me&sort=-expected", "owner=none", f"account={account.id}", "late=1", "tag=1",
        "value_from=10", f"expected_to={TODAY}", "field=size:5", "q=deal&sort=-created",
    )  # fmt: skip


async def _tasks(trade: Trade, admin: User, _vip: dict[str, Any]) -> Sequence[str]:
    account = await trade.account()
    for number in range(MANY):
        values: dict[str, Any] = {"account_id": account.id} if number % 2 else {}
        values |= {"assignee_id": admin.id if number % 3 else None, "priority": 1 + number % 3}
        values |= {"due_on": TODAY + timedelta(3 * number - 6)} if number else {}
        task = await trade.task(actor=admin, **values)
        if number in (2, 5):
            async with trade.session() as session:
                await complete_task(session, actor=admin, task_id=task.id)
    return (
        "", "sort=-due", "sort=priority", "sort=-title", "state=done", "assignee=me",
        "assignee=none", "priority=high", "due=overdue", "due=none", "due=week&sort=title",
        f"account={account.id}", "q=task", f"day_from={TODAY}",
    )  # fmt: skip


KINDS = {
    "accounts": (_accounts, "name"),
    "people": (_people, "name"),
    "goods": (_goods, "name"),
    "orders": (_orders, "number"),
    "deals": (_deals, "name"),
    "tasks": (_tasks, "title"),
}


async def _shown(auth: Auth, path: str) -> tuple[list[str], list[str]]:
    """Return the names in a list, and the addresses of its exports."""
    page = await text_of(await auth.get(path))
    names = re.findall(r'form="bulk" aria-label="Select ([^"]*)"', page)
    links = re.findall(r'href="(/transfer/export/[^"]+)"', page)
    return [html.unescape(name) for name in names], [html.unescape(link) for link in links]


async def _exported(auth: Auth, address: str, column: str) -> list[str]:
    """Return the names in an exported file; a record may have several rows."""
    answer = await auth.get(address)
    assert answer.status_code == 200, address
    rows = csv.DictReader(StringIO(await text_of(answer)))
    return [name for name, _rows in groupby(row[column] for row in rows)]


@pytest.mark.feature("AP3")
@pytest.mark.parametrize("page", KINDS)
async def test_an_export_has_the_records_of_the_list(
    as_admin: Auth, admin: User, trade: Trade, vip: dict[str, Any], page: str
) -> None:
    fill, column = KINDS[page]
    different = set()
    for query in await fill(trade, admin, vip):
        names, links = await _shown(as_admin, f"/{page}/?{query}")
        assert await _exported(as_admin, links[0], column) == names, query
        if page == "orders":
            assert await _exported(as_admin, links[1], "order") == names, query
        different.add(tuple(names))

    assert len(different) > 6, "the filters choose different records"


@pytest.mark.feature("AP3")
async def test_an_export_has_all_pages_of_a_saved_view(
    as_moderator: Auth, admin: User, moderator: User, trade: Trade, vip: dict[str, Any]
) -> None:
    await _orders(trade, admin, vip)
    view = await trade.view(actor=moderator, arguments="state=sold&sort=net&columns=date")
    wanted, _links = await _shown(as_moderator, "/orders/?state=sold&sort=net")

    first, links = await _shown(as_moderator, "/orders/?state=sold&sort=net&per_page=2")
    viewed, links_of_view = await _shown(as_moderator, f"/orders/?view={view.id}")

    assert len(wanted) > 2
    assert (first, viewed) == (wanted[:2], wanted)
    for address in (links[0], links_of_view[0], f"/transfer/export/orders.csv?view={view.id}"):
        assert await _exported(as_moderator, address, "number") == wanted
    assert (await as_moderator.get(f"/transfer/export/deals.csv?view={view.id}")).status_code == 404


@pytest.mark.feature("AP3")
async def test_without_arguments_all_records_are_exported_by_their_ids(
    app: Quart, as_admin: Auth, admin: User, trade: Trade, vip: dict[str, Any]
) -> None:
    for fill, _column in KINDS.values():
        await fill(trade, admin, vip)
    for name, part in PARTS.items():
        async with app.app_context(), db.new_session() as session:
            rows = "".join([chunk async for chunk in part.export(session)])
        assert await text_of(await as_admin.get(f"/transfer/export/{name}.csv")) == rows
    accounts = await _exported(as_admin, "/transfer/export/accounts.csv", "name")
    assert accounts[:MANY] == [f"Harbour {n}" if n % 2 else f"Zoo {n}" for n in range(MANY)]
    tasks = await _exported(as_admin, "/transfer/export/tasks.csv", "title")
    assert len(tasks) == MANY, "those that are done, too"


async def test_the_file_and_the_audit_log_name_the_filters(
    app: Quart, as_admin: Auth, trade: Trade
) -> None:
    await trade.order()
    path = "/transfer/export/orders.csv"
    for query, part in (
        ("", ""),
        ("?sort=-date", "list-"),
        ("?q=Hafen+%26+Söhne&state=open&sort=net", "hafen-s-hne-state-open-"),
    ):
        answer = await as_admin.get(f"{path}{query}")
        await answer.get_data()
        name = f'attachment; filename="orders-{part}{TODAY}'
        assert answer.headers["Content-Disposition"].startswith(name[:-10])
    async with app.app_context():
        exported = select(AuditEvent.detail).where(AuditEvent.action == AuditAction.EXPORTED)
        details = (await db.session.scalars(exported.order_by(AuditEvent.id))).all()
    wanted = "q=Hafen+%26+S%C3%B6hne&sort=net&state=open"
    assert details == [{}, {"list": "sort=-date"}, {"list": wanted}]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("colour=red", "There is no filter 'colour'. Choose from: state, account, owner"),
        ("sort=size", "'size' is not one of: number, date, account"),
        ("owner=ada", "'ada' is neither a number nor one of: me, none."),
        ("state=gone", "'gone' is not one of: open, sold, draft"),
        ("tag=vip", "'vip' is not a number."),
        ("date_from=soon", "Enter a date as YYYY-MM-DD."),
        ("net_from=3&net_to=2", "The end is before the start."),
        ("field=size:5", "There is no field 'size'."),
        ("account=nobody", "No account fits 'nobody'."),
    ],
)
async def test_what_cannot_be_read_is_refused_instead_of_exporting_everything(
    as_moderator: Auth, query: str, problem: str
) -> None:
    answer = await as_moderator.get(f"/transfer/export/orders.csv?{query}")

    assert answer.status_code == 422
    assert html.unescape(await text_of(answer)).count(problem) == 1, "it is said once"


@pytest.mark.parametrize("page", ["deals", "tasks"])
async def test_a_person_that_nobody_is_does_not_export_everything(
    as_moderator: Auth, page: str
) -> None:
    answer = await as_moderator.get(f"/transfer/export/{page}.csv?person=nobody")

    assert answer.status_code == 422
    assert "No person fits 'nobody'." in html.unescape(await text_of(answer))


async def test_notes_have_no_list(as_moderator: Auth) -> None:
    assert (await as_moderator.get("/transfer/export/notes.csv?q=a")).status_code == 404


async def test_an_export_of_a_list_needs_the_role(auth: Auth) -> None:
    assert (await auth.get("/transfer/export/orders.csv?owner=me")).status_code == 403


async def test_no_connection_is_held_while_a_piece_of_a_list_is_read(
    app: Quart, as_moderator: Auth, trade: Trade
) -> None:
    for _ in range(3):
        await trade.order()
    address = "/transfer/export/orders.csv?sort=net"
    async with as_moderator.client.request(address) as connection:
        await connection.send_complete()
        assert (await connection.receive()).startswith(b"number,account")
        await connection.disconnect()

    async with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_an_export_asks_by_pieces_and_not_by_records(
    as_admin: Auth, admin: User, trade: Trade, vip: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PIECE", 500)
    for page, (fill, column) in KINDS.items():
        await fill(trade, admin, vip)
        path = f"/transfer/export/{page}.csv?sort={column if column != 'number' else 'date'}"
        await _exported(as_admin, path, column)
        with trade.statements() as few:
            await _exported(as_admin, path, column)
        await fill(trade, admin, {})
        with trade.statements() as many:
            await _exported(as_admin, path, column)
        assert len(many) == len(few), page


@pytest.mark.parametrize("records", LISTS.values(), ids=LISTS)
def test_no_filter_is_ignored_because_of_its_value(records: RecordList) -> None:
    free = {"category", "currency"}  # any text
    read = {"field", *records.records, *records.ranges.names}  # refused elsewhere

    assert {*records.filters} - free - read == {*records.choices}
