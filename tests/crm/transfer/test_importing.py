"""Importing: checked before anything is written, safe to run again, every mistake by its line."""

from __future__ import annotations

import asyncio
import gc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from quarterdeck_crm.duplicates.services import merge
from quarterdeck_crm.errors import ConflictError, ImportRefusedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Activity, Contact, Good, Order, OrderLine, OrderState
from quarterdeck_crm.transfer.columns import decimal
from quarterdeck_crm.transfer.extras import write_imported
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS
from quarterdeck_crm.transfer.kinds import run_import as run_kind
from tests.crm.conftest import Auth
from tests.kit.sockets.app import Client

from .conftest import RunImport


async def _count(app: Quart, model: type) -> int:
    async with app.app_context():
        return await db.session.scalar(select(func.count()).select_from(model)) or 0


def _append(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


@pytest.mark.feature("AP3")
@pytest.mark.usefixtures("imported")
async def test_accounts_come_with_their_contacts(app: Quart) -> None:
    async with app.app_context():
        statement = (
            select(Account)
            .options(selectinload(Account.contacts).joinedload(Contact.person))
            .where(Account.code == "TOKYO")
        )
        account = await db.one_or_404(statement)

    assert account.name == "東京船具店"
    assert account.address == "9-8 Sekimai\nMusashino-shi"
    assert [contact.name for contact in account.contacts] == ["田中 由紀"]


@pytest.mark.feature("AP3")
@pytest.mark.usefixtures("imported")
async def test_orders_are_exact(app: Quart) -> None:
    """12 x 14.45 x 0.85 + 10 x 9.80, and 949.125 x 0.95, to the last decimal."""
    async with app.app_context():
        orders = {o.number: o for o in (await db.session.scalars(select(Order))).all()}
        total = await db.session.scalar(select(func.sum(Order.net)))

    assert orders["10001"].net == Decimal("245.390000")
    assert orders["10002"].net == Decimal("901.668750")
    assert total == Decimal("1147.058750")
    assert orders["10001"].state is OrderState.SHIPPED
    assert orders["10002"].state is OrderState.CONFIRMED


@pytest.mark.usefixtures("imported")
async def test_discontinued_goods_are_archived(app: Quart) -> None:
    async with app.app_context():
        goods = {g.code: g for g in (await db.session.scalars(select(Good))).all()}

    assert [code for code, good in goods.items() if good.is_archived] == ["3"]
    assert goods["3"].price == Decimal("949.125")


@pytest.mark.usefixtures("imported")
async def test_the_second_time_changes_nothing(app: Quart, run_import: RunImport) -> None:
    before = [await _count(app, model) for model in (Account, Good, Order, OrderLine, Activity)]

    reports = [await run_import(kind) for kind in ("accounts", "goods", "orders")]

    assert [(r.created, r.updated, r.unchanged) for r in reports] == [
        (0, 0, 3),
        (0, 0, 3),
        (0, 0, 2),
    ]
    after = [await _count(app, model) for model in (Account, Good, Order, OrderLine, Activity)]
    assert after == before


@pytest.mark.usefixtures("imported")
async def test_changed_goods_are_updated(app: Quart, files: Path, run_import: RunImport) -> None:
    path = files / "products.csv"
    path.write_text(path.read_text().replace(",18,39,", ",18.50,40,"))

    report = await run_import("goods")

    assert (report.created, report.updated, report.unchanged) == (0, 1, 2)
    async with app.app_context():
        good = await Good.query.filter_by(code="1").one()
    assert (good.price, good.stock) == (Decimal("18.500"), 40)


async def test_three_broken_lines_are_all_named_and_nothing_stays(
    app: Quart, files: Path, run_import: RunImport
) -> None:
    _append(
        files / "products.csv",
        "4,Tea,Provisions,case,cheap,1,0",
        "5,Lamp,Lights,piece,12,1,0",
        "6,,Lights,piece,12,1,0",
        "1,Mooring line 12 mm,Rope and rigging,coil,18,39,0",
    )

    with pytest.raises(ImportRefusedError, match="3 mistakes") as refused:
        await run_import("goods")

    assert [str(mistake) for mistake in refused.value.mistakes.shown] == [
        (
            "products.csv, line 5: 'price' is 'cheap', "
            "expected a number from 0 to 999999999999.999 with at most 3 decimals"
        ),
        "products.csv, line 7: 'name' is empty",
        "products.csv, line 8: 'code' 1 stands in the file twice",
    ]
    assert await _count(app, Good) == 0


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (
            "orders.csv",
            "10003,NOONE,5,2026-03-04,,,0,,,,,,",
            "orders.csv, line 4: 'account' is 'NOONE', but there is no account of this code",
        ),
        (
            "orders.csv",
            "10003,HARBO,5,04.03.2026,,,0,,,,,,",
            "orders.csv, line 4: 'ordered_on' is '04.03.2026', expected a date such as 2026-11-21",
        ),
        (
            "orders.csv",
            "10003,HARBO,5,2026-03-04,,,0,,,,,,",
            "orders.csv, line 4: order 10003 has no line in order_details.csv",
        ),
        (
            "orders.csv",
            "10001,HARBO,5,2026-03-04,,,0,,,,,,",
            "orders.csv, line 4: order 10001 stands on line 2 already",
        ),
        (
            "order_details.csv",
            "10001,99,1.00,1,0",
            "order_details.csv, line 5: 'good' is '99', but there is no good of this code",
        ),
        (
            "order_details.csv",
            "19999,1,1.00,1,0",
            "order_details.csv, line 5: order 19999 is not in the file of orders",
        ),
        (
            "order_details.csv",
            "10001,1,1.00,0,0",
            (
                "order_details.csv, line 5: 'quantity' is '0', "
                "expected a whole number from 1 to 2147483647"
            ),
        ),
        (
            "order_details.csv",
            "10001,1,1.00",
            "order_details.csv, line 5: has 3 cells where the header has 5",
        ),
    ],
)
async def test_a_mistake_in_the_orders_is_told(
    app: Quart, files: Path, run_import: RunImport, file: str, line: str, message: str
) -> None:
    await run_import("accounts")
    await run_import("goods")
    _append(files / file, line)

    with pytest.raises(ImportRefusedError) as refused:
        await run_import("orders")

    assert [str(mistake) for mistake in refused.value.mistakes.shown] == [message]
    assert await _count(app, Order) == 0


@pytest.mark.usefixtures("imported")
async def test_orders_that_are_here_must_equal_the_file(
    app: Quart, files: Path, run_import: RunImport
) -> None:
    path = files / "order_details.csv"
    path.write_text(path.read_text().replace("10001,1,14.45,12", "10001,1,14.45,13"))

    with pytest.raises(ImportRefusedError) as refused:
        await run_import("orders")

    assert [str(mistake) for mistake in refused.value.mistakes.shown] == [
        (
            "order_details.csv: order 10001 is here already with other lines; "
            "imports do not change orders"
        )
    ]


@pytest.mark.usefixtures("imported")
async def test_line_ends_of_an_earlier_version_are_no_difference(
    app: Quart, files: Path, run_import: RunImport
) -> None:
    """Addresses kept the line ends of their file; now they become plain ones."""
    path = files / "orders.csv"
    first = path.read_text().splitlines()[1].split(",")
    async with app.app_context(), db.transaction() as session:
        order = await session.scalar(select(Order).where(Order.number == first[0]))
        assert order is not None
        order.ship_address = "Line one\r\nLine two"
    whole = path.read_text().replace(first[8], '"Line one\r\nLine two"', 1)
    path.write_bytes(whole.encode())

    report = await run_import("orders")

    assert report.created == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "customers.csv: is empty; the first line must name the columns"),
        (
            b"customer_id,company_name\nA,B\xf6rse\n",
            "customers.csv, line 2: is not UTF-8 text, perhaps Windows-1252 ('A,Börse'). Save",
        ),
        ("code,name\n".encode("utf-16"), "customers.csv: is UTF-16 text, not UTF-8. Save"),
        (b'code,"na"me\nA,B\n', "customers.csv, line 1: cannot be read as CSV"),
        (b'code,"name\nA,B\n', "customers.csv, line 1: opens a quotation mark"),
        (
            b"code,name,email\nA,B,xyz\n",
            "customers.csv, line 2: 'email' is 'xyz'. Enter",
        ),
        (
            b"code,name,website\nA,B,javascript:alert(1)\n",
            "customers.csv, line 2: 'website' is 'javascript:alert(1)'. Enter an address",
        ),
        (
            b"code,name\nA,B\x1b[31m\n",
            "customers.csv, line 2: 'name' is 'B\ufffd[31m'. Remove",
        ),
        (b"name\nHarbour\n", "customers.csv, line 1: lacks the column code"),
        (b"code,customer_id,name\nA,B,C\n", "customers.csv, line 1: has the column 'code' twice"),
        (b'code,name\nA,"Har\n', "customers.csv, line 2: opens a quotation mark"),
    ],
)
async def test_a_file_that_is_no_table_is_refused(
    files: Path, run_import: RunImport, content: bytes, message: str
) -> None:
    (files / "customers.csv").write_bytes(content)

    with pytest.raises(ImportRefusedError) as refused:
        await run_import("accounts")

    assert str(refused.value.mistakes.shown[0]).startswith(message)


async def test_semicolons_a_byte_order_mark_and_capitals_are_understood(
    app: Quart, files: Path, run_import: RunImport
) -> None:
    (files / "customers.csv").write_bytes("\ufeffCode;Company Name\nA;Müller\n".encode())

    report = await run_import("accounts")

    assert report.created == 1


async def test_columns_that_mean_nothing_here_are_reported(run_import: RunImport) -> None:
    await run_import("accounts")
    await run_import("goods")

    report = await run_import("orders")

    assert report.unknown_columns == ["employee_id"]


@pytest.mark.usefixtures("imported")
async def test_columns_that_a_file_lacks_stay_as_they_are(
    app: Quart, files: Path, run_import: RunImport
) -> None:
    (files / "customers.csv").write_text("code,name\nHARBO,Harbour\n", encoding="utf-8")

    report = await run_import("accounts")

    assert report.updated == 1
    async with app.app_context():
        account = await Account.query.filter_by(code="HARBO").one()
    assert (account.name, account.city) == ("Harbour", "Bristol")


@pytest.mark.parametrize(
    ("cell", "value"),
    [("21.3500004", "21.35"), ("9.19999981", "9.2"), ("31.2299995", "31.23"), ("0", "0")],
)
def test_the_noise_of_binary_numbers_is_dropped(cell: str, value: str) -> None:
    assert decimal(Good.price, most=Decimal(100))(cell) == Decimal(value)


@pytest.mark.parametrize("cell", ["1.2345", "0.0001", "-1", "101", "NaN", "1e999", "1_0", "+1"])
def test_real_decimals_are_never_rounded_away(cell: str) -> None:
    with pytest.raises(ValueError, match="a number from 0 to 100 with at most 3 decimals"):
        decimal(Good.price, most=Decimal(100))(cell)


@pytest.mark.feature("WS4")
async def test_pages_are_told_of_imported_orders_at_once(run_import: RunImport, auth: Auth) -> None:
    for kind in ("accounts", "goods"):
        await run_import(kind)
    async with auth.client.websocket("/ws") as connection:
        client = Client(connection)
        await client.subscribe("orders")
        report = await run_import("orders")
        (event,) = await client.events(1)

    assert event["name"] == "orders.imported"
    assert event["data"]["count"] == report.created > 0


async def test_an_import_that_fails_closes_its_files(app: Quart, files: Path) -> None:
    """Nothing is left for a later moment, when the thread of the import is gone."""
    late: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: late.append(context))

    def fail(_done: int, _whole: int) -> None:
        raise OSError("the progress cannot be shown")

    async with app.app_context():
        with pytest.raises(OSError, match="progress"):
            await run_kind(KINDS["goods"], [Source(files / "products.csv", "x")], progress=fail)
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)

    assert late == []


async def test_rows_of_a_merged_account_go_to_the_one_that_stays(
    app: Quart, run_import: RunImport, files: Path
) -> None:
    (files / "customers.csv").write_text("code,name\nA,Wool GmbH\nB,Wool\nC,Wool Ltd\n", "utf-8")
    await run_import("accounts")
    for code in ("B", "C"):
        async with app.app_context(), db.transaction() as session:
            found = select(Account).where(Account.code.in_(["A", code])).order_by(Account.id)
            kept, gone = (await session.scalars(found)).all()
            keep, other = ((each.id, each.version) for each in (kept, gone))
            await merge(session, actor=None, kind="account", keep=keep, other=other)
    (files / "customers.csv").write_text(
        "code,name,city,contact_name\nb,Wool,Bonn,Ada\nA,Wool GmbH,Berlin,Bo\nC,Wool Ltd,Bonn,\n",
        "utf-8",
    )
    (files / "orders.csv").write_text(
        "number,account,currency,ordered_on,state\n7,B,EUR,2026-01-02,draft\n", "utf-8"
    )
    header = (files / "order_details.csv").read_text("utf-8").partition("\n")[0]
    (files / "order_details.csv").write_text(f"{header}\n", "utf-8")
    report = await run_import("accounts")
    assert (report.created, report.updated) == (0, 2)
    await run_import("orders")
    async with app.app_context():
        statement = select(Account).options(
            selectinload(Account.contacts).joinedload(Contact.person)
        )
        kept, *others = (await db.session.scalars(statement.order_by(Account.id))).all()
        assert (kept.name, kept.code, kept.city) == ("Wool GmbH", "A", "Berlin")
        assert sorted(each.name for each in kept.contacts) == ["Ada", "Bo"]
        assert [(each.name, each.city, each.contacts) for each in others] == [
            ("Wool", None, []),
            ("Wool Ltd", None, []),
        ]
        assert (await db.session.scalars(select(Order.account_id))).all() == [kept.id]


async def test_a_custom_field_that_is_removed_during_an_import_ends_it(app: Quart) -> None:
    async with app.app_context():
        with pytest.raises(ConflictError, match="removed during the import"):
            await write_imported(db.session, Account, {1: {"field_size": "big"}})
