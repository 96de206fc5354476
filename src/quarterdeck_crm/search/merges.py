"""Following a record that became part of another one: forms, files and programs may name it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import Account, Person

# The ids of the records that stay: all earlier merges lead to them directly.
STAYING_ID: ColumnElement[Any] = func.coalesce(Account.merged_into_id, Account.id)
STAYING_PERSON_ID: ColumnElement[Any] = func.coalesce(Person.merged_into_id, Person.id)


async def find_account(
    session: AsyncSession, account_id: int, *, lock: bool = False
) -> Account | None:
    """Return an account as it is now; of a merged one the record that stays.

    Args:
        session: The db session.
        account_id: The id that was entered.
        lock: Whether it stays as it is until the transaction ends. A locking read also sees what
            was archived or merged since the transaction began.
    """
    statement = select(Account).where(Account.id == account_id)
    if lock:
        statement = statement.with_for_update(read=True)
    account = await session.scalar(statement.execution_options(populate_existing=True))
    if account is None or account.merged_into_id is None:
        return account
    return await find_account(session, account.merged_into_id, lock=lock)
