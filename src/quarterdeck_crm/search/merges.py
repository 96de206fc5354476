"""Following a record that became part of another one: forms, files and programs may name it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import MergedError, NotFoundError
from quarterdeck_crm.models import Account, Person

# The ids of the records that stay: all earlier merges lead to them directly.
STAYING_ID: ColumnElement[Any] = func.coalesce(Account.merged_into_id, Account.id)
STAYING_PERSON_ID: ColumnElement[Any] = func.coalesce(Person.merged_into_id, Person.id)

# Built once, because every new order and deal needs it.
_BY_ID = (
    select(Account)
    .where(Account.id == bindparam("account_id"))
    .execution_options(populate_existing=True)
)
_BY_ID_LOCKED = _BY_ID.with_for_update(read=True)


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
    statement = _BY_ID_LOCKED if lock else _BY_ID
    account = await session.scalar(statement, {"account_id": account_id})
    if account is None or account.merged_into_id is None:
        return account
    return await find_account(session, account.merged_into_id, lock=lock)


async def find_person(session: AsyncSession, person_id: int) -> Person | None:
    """Return a person; of a merged one the record that stays."""
    person = await session.get(Person, person_id)
    if person is None or person.merged_into_id is None:
        return person
    return await find_person(session, person.merged_into_id)


async def hold(session: AsyncSession, row: Any) -> None:
    """Keep a record from being merged or deleted until the transaction ends.

    What is added to a record is read by others only there, so it may not be added to one that a
    merge has just emptied, or that is gone.

    Raises:
        MergedError: If it has been merged.
        NotFoundError: If it has been deleted.
    """
    model = type(row)
    into: Any = model.merged_into_id if issubclass(model, Account | Person) else null()
    statement = select(model.id, into).where(model.id == row.id).with_for_update(read=True)
    found = (await session.execute(statement)).one_or_none()
    if found is None:
        raise NotFoundError(_("There is no such record. It may have been deleted."))
    if found[1] is not None:
        raise MergedError(row.__tablename__, found[1])
