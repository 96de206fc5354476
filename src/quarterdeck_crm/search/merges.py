"""Following an account that became part of another one: forms and programs may still name it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import Account

# The id of the record that stays: all earlier merges lead to it directly.
STAYING_ID: ColumnElement[Any] = func.coalesce(Account.merged_into_id, Account.id)


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
