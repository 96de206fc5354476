"""Retries after a conflict with another transaction."""

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

MAX_SECONDS = 5.0  # no attempt begins later: a visitor waits for the answer
FIRST_DELAY_SECONDS = 0.05  # at most; doubled with each attempt


async def retry(attempt: Callable[[], Awaitable[T]], retries: int) -> T:
    """Return the result of ``attempt``, which is retried after a conflict.

    Raises:
        TransactionConflictError: That of the last attempt.
    """
    started = time.monotonic()
    for number in range(retries):
        try:
            return await attempt()
        except TransactionConflictError as conflict:
            if time.monotonic() - started > MAX_SECONDS:
                raise
            logger.info("transaction retried, %s of %s: %s", number + 1, retries, conflict.reason)
            # Two that met must not meet again.
            await asyncio.sleep(random.uniform(0, FIRST_DELAY_SECONDS * 2**number))  # noqa: S311  # no secret
    return await attempt()
