"""The small business of the import tests: files of the shape of Microsoft's Northwind sample."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from quart import Quart

from quarterdeck_crm.extensions import db
from quarterdeck_crm.transfer.accounts import import_accounts
from quarterdeck_crm.transfer.goods import import_goods
from quarterdeck_crm.transfer.importing import Import, Report, Source
from quarterdeck_crm.transfer.orders import import_orders
from quarterdeck_crm.transfer.people import import_people

RunImport = Callable[[str], Awaitable[Report]]

FILES = {
    "accounts": (import_accounts, ["customers.csv"]),
    "people": (import_people, ["people.csv"]),
    "goods": (import_goods, ["products.csv"]),
    "orders": (import_orders, ["orders.csv", "order_details.csv"]),
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with customers, products, orders and their details, free to be changed."""
    folder = tmp_path / "files"
    shutil.copytree(Path(__file__).parent / "files", folder)
    return folder


@pytest.fixture
def run_import(app: Quart, files: Path) -> RunImport:
    """Import ``"accounts"``, ``"goods"`` or ``"orders"`` from the folder."""

    async def run(kind: str) -> Report:
        async with app.app_context(), db.new_session() as session:
            task = Import(session)
            load, names = FILES[kind]
            return await load(task, [Source(files / name, name) for name in names])

    return run


@pytest.fixture
async def imported(run_import: RunImport) -> None:
    """The whole small business, imported."""
    for kind in ("accounts", "goods", "orders"):
        await run_import(kind)
