"""``before_first_request``: run once per process, before the first request is handled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Function = Callable[[], Any]


class FirstRequest:
    """The functions still to run before the first request or WebSocket of the process."""

    def __init__(self) -> None:
        self.pending: list[Function] = []
        self._lock = asyncio.Lock()

    async def run(self, ensure_async: Callable[[Function], Callable[[], Awaitable[Any]]]) -> None:
        """Run the pending functions in order; other requests wait here.

        A function that raises stays pending, with those behind it, for the next request.
        """
        async with self._lock:
            while self.pending:
                await ensure_async(self.pending[0])()
                del self.pending[0]
