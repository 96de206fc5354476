"""Importing accounts with their contacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from quarterdeck_crm.models import Account, Contact
from quarterdeck_crm.models.columns import utc_now

from .csvfile import CSVFile, Row
from .importing import Import, Report, assign
from .tables import ACCOUNTS

_PLAIN = (
    "code", "name", "email", "phone", "website",
    "address", "city", "region", "postal_code", "country",
)  # fmt: skip


async def import_accounts(task: Import, path: Path, *, name: str = "") -> Report:
    """Import a file of accounts; several rows of one code are several contacts of it.

    Accounts that are there already take the values of the file; columns that the file does
    not have stay as they are, and so do contacts that it does not name.

    Raises:
        ImportRefusedError: If the file has any mistake.
    """
    file = await task.open(path, ACCOUNTS, name)
    for _ in task.passes():
        made: set[str] = set()
        async for batch in task.batches(file):
            async with task.portion():
                await _import(task, file, batch, made)
    return task.report


async def _import(task: Import, file: CSVFile, batch: list[Row], made: set[str]) -> None:
    codes = {row.values["code"] for row in batch}
    found = await task.session.scalars(
        select(Account).where(Account.code.in_(codes)).options(selectinload(Account.contacts))
    )
    accounts = {account.code: account for account in found}
    new: list[Account] = []
    changed: set[str] = set()
    for row in batch:
        code = row.values["code"]
        account = accounts.get(code)
        if account is None:
            account = accounts[code] = Account(code=code, name="", contacts=[])
            if code not in made:
                made.add(code)
                new.append(account)
        if await _fill(task, file, row, account):
            changed.add(code)
    task.report.updated += len(changed - made)
    task.report.unchanged += len(accounts.keys() - changed - made)
    await task.add(new)


async def _fill(task: Import, file: CSVFile, row: Row, account: Account) -> bool:
    values: dict[str, Any] = {name: row.values[name] for name in _PLAIN if name in row.values}
    if "owner" in row.values:
        values["owner_id"] = await task.owner_id(file, row)
    if "archived" in row.values and row.values["archived"] != account.is_archived:
        values["archived_at"] = utc_now() if row.values["archived"] else None
    changed = assign(account, values)
    return _fill_contact(task, file, row, account) or changed


def _fill_contact(task: Import, file: CSVFile, row: Row, account: Account) -> bool:
    values = {
        name.removeprefix("contact_"): value
        for name, value in row.values.items()
        if name.startswith("contact_")
    }
    if not any(values.values()):
        return False
    if not values.get("name"):
        task.problems.add(file.name, row.line, "has details of a contact but no 'contact_name'")
        return False
    contact = next((c for c in account.contacts if c.name == values["name"]), None)
    if contact is None:
        account.contacts.append(Contact(**values))
        return True
    return assign(contact, values)
