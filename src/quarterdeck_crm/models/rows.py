"""Statements that decide between concurrent requests by the number of rows they change."""

from __future__ import annotations

from sqlalchemy import CursorResult, Delete, Update
from sqlalchemy.ext.asyncio import AsyncSession


async def changes_one(session: AsyncSession, statement: Update | Delete) -> bool:
    """Execute a conditional statement and return whether it changed exactly one row.

    The condition belongs into the statement: of several concurrent requests that read the same
    row before, one gets True.
    """
    result = await session.execute(statement)
    assert isinstance(result, CursorResult)  # noqa: S101 - an UPDATE or DELETE always gives one
    return result.rowcount == 1
