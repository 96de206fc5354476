"""The tables that a room makes in the app's database when it first uses them."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncEngine

ATTEMPTS = 5
DELAY_SECONDS = 0.05  # at most; grows with each attempt


async def create_missing(engine: AsyncEngine, table: Table) -> None:
    """Create a table unless it exists, also if several processes do so at the same moment.

    Then the database refuses all but one: with the table that exists by now, or with a deadlock,
    which the engine of ``quarterdeck.sqlalchemy`` raises as an error of its own. So the attempt is
    repeated, and finds the table.

    Raises:
        DBAPIError: That of the last attempt, such as a missing permission.
        DatabaseBusyError: The same, from the engine of ``quarterdeck.sqlalchemy``.
    """
    from sqlalchemy.exc import DBAPIError

    from quarterdeck.exceptions import TransactionConflictError

    for number in range(1, ATTEMPTS):
        try:
            return await _create(engine, table)
        except (DBAPIError, TransactionConflictError):
            # Two that met must not meet again.
            await asyncio.sleep(random.uniform(0, DELAY_SECONDS * number))  # noqa: S311  # no secret
    return await _create(engine, table)


async def _create(engine: AsyncEngine, table: Table) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(table.create, checkfirst=True)
