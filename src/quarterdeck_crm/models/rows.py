"""Rows as they are stored, and statements that count as one change or none."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import CursorResult, Delete, Update, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from quarterdeck.sqlalchemy import ExactDecimal
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extensions import Model

T = TypeVar("T", bound=Model)


def as_stored(row: Any) -> None:
    """Give the decimals of a row that was just written the digits that a read would give them.

    So an answer needs no second read: all other columns hold their values as they were given.
    """
    for attribute in inspect(row).mapper.column_attrs:
        kind, value = attribute.columns[0].type, getattr(row, attribute.key)
        if isinstance(kind, ExactDecimal) and value is not None:
            set_committed_value(row, attribute.key, kind.exact(value))


async def read_row(session: AsyncSession, model: type[T], id_: int, problem: str) -> T:
    """Return a row as it is now.

    Raises:
        NotFoundError: With ``problem``, if there is none of that id.
    """
    row = await session.get(model, id_, populate_existing=True)
    if row is None:
        raise NotFoundError(problem)
    return row


async def changes_one(session: AsyncSession, statement: Update | Delete) -> bool:
    """Execute a conditional statement and return whether it changed exactly one row.

    The condition belongs into the statement: of several concurrent requests that read the same
    row before, one gets True.
    """
    result = await session.execute(statement)
    assert isinstance(result, CursorResult)  # noqa: S101 - an UPDATE or DELETE always gives one
    return result.rowcount == 1
