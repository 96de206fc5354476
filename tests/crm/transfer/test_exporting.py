"""What is exported imports again to the same state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import (
    Account,
    Activity,
    Contact,
    Good,
    Order,
    OrderLine,
    Person,
    PersonPhone,
)
from quarterdeck_crm.transfer import exporting
from quarterdeck_crm.transfer.csvfile import with_guard, without_guard
from quarterdeck_crm.transfer.exporting import (
    export_accounts,
    export_goods,
    export_lines,
    export_orders,
)
from tests.crm.conftest import Auth

from .conftest import RunImport

EXPORTS: dict[str, Callable[[AsyncSession], AsyncIterator[str]]] = {
    "customers.csv": export_accounts,
    "products.csv": export_goods,
    "orders.csv": export_orders,
    "order_details.csv": export_lines,
}


async def _export(app: Quart, folder: Path) -> dict[str, str]:
    texts = {}
    for name, rows in EXPORTS.items():
        async with app.app_context(), db.new_session() as session:
            texts[name] = "".join([chunk async for chunk in rows(session)])
        (folder / name).write_text(texts[name], encoding="utf-8", newline="")
    return texts


@pytest.mark.feature("AP3")
@pytest.mark.usefixtures("imported")
async def test_exports_import_again_to_the_same_state(
    app: Quart, files: Path, run_import: RunImport
) -> None:
    async with app.app_context(), db.transaction() as session:
        account = await db.one_or_404(select(Account).where(Account.code == "HARBO"))
        phones = [PersonPhone(position=1, number="+49 431 555")]
        person = Person(name="=SUM(1,2)", phones=phones)
        session.add(Contact(account_id=account.id, person=person))
    before = await _export(app, files)
    async with app.app_context(), db.transaction() as session:
        for model in (Activity, OrderLine, Order, Person, Account, Good):
            await session.execute(delete(model))

    for kind in ("accounts", "goods", "orders"):
        assert (await run_import(kind)).unknown_columns == []

    assert await _export(app, files) == before
    assert "'=SUM(1,2)" in before["customers.csv"]


@pytest.mark.usefixtures("imported")
async def test_no_connection_is_held_while_a_piece_is_read(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PIECE", 1)
    async with app.app_context(), db.new_session() as session:
        pieces = []
        async for piece in export_orders(session):
            pieces.append(piece)
            assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    assert len(pieces) == 3, "the header and two orders"


@pytest.mark.usefixtures("imported")
async def test_a_reader_who_goes_away_leaves_nothing_open(
    app: Quart, as_moderator: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PIECE", 1)
    async with as_moderator.client.request("/transfer/export/orders.csv") as connection:
        await connection.send_complete()
        assert (await connection.receive()).startswith(b"number,account")
        await connection.disconnect()

    async with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("cell", ["=1+1", "+49 30", "-5", "@home", "'=1", "'", "plain", ""])
def test_guarded_cells_come_back_unchanged(cell: str) -> None:
    assert without_guard(with_guard(cell)) == cell
    assert not with_guard(cell).startswith(("=", "+", "-", "@"))
