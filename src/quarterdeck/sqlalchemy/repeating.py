"""Work that is done anew when another transaction was in the way."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from quarterdeck.exceptions import TransactionConflictError

logger = logging.getLogger("quarterdeck.sqlalchemy")

T = TypeVar("T")

PATIENCE_SECONDS = 5.0  # after which no other attempt begins: somebody waits for the answer
FIRST_PAUSE_SECONDS = 0.05  # at most; doubled with each attempt


async def repeat(attempt: Callable[[], Awaitable[T]], retries: int) -> T:
    """Return what ``attempt`` returns, calling it anew after a conflict.

    Raises:
        TransactionConflictError: That of the last attempt.
    """
    started = time.monotonic()
    for number in range(retries):
        try:
            return await attempt()
        except TransactionConflictError as conflict:
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise
            logger.info("done anew, %s of %s: %s", number + 1, retries, conflict.reason)
            # Two that met must not meet again.
            await asyncio.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**number))  # noqa: S311
    return await attempt()
