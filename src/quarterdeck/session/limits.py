"""A time limit that counts only the time in which the event loop runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PARTS = 4


@asynccontextmanager
async def running_timeout(seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError after so many seconds, as ``asyncio.timeout`` does.

    A process that stands still, because the machine is busy or was suspended, cannot take an
    answer that has arrived. Such a pause counts as a quarter of the limit at most, so that it is
    not taken for a store that is down.
    """
    loop = asyncio.get_running_loop()
    part, left = seconds / _PARTS, _PARTS
    handle: asyncio.TimerHandle

    def passed() -> None:
        nonlocal left, handle
        left -= 1
        if left:
            handle = loop.call_later(part, passed)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        handle = loop.call_later(part, passed)
        try:
            yield
        finally:
            handle.cancel()  # the last one, which 'passed' has set
