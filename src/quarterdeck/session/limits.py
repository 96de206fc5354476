"""A time limit that counts only the time in which the event loop runs."""

from __future__ import annotations

import asyncio
from types import TracebackType

_PARTS = 4


class RunningTimeout:
    """Raises TimeoutError after so many seconds, as ``asyncio.timeout`` does.

    A process that stands still, because the machine is busy or was suspended, cannot take an
    answer that has arrived. Such a pause counts as a quarter of the limit at most, so that it is
    not taken for a store that is down. An object limits one block.

    Args:
        seconds: The limit.
    """

    __slots__ = ("_handle", "_left", "_limit", "_loop", "_part")

    def __init__(self, seconds: float) -> None:
        self._part, self._left = seconds / _PARTS, _PARTS

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = asyncio.timeout(None)
        await self._limit.__aenter__()
        self._handle = self._loop.call_later(self._part, self._passed)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._handle.cancel()  # the last one, which '_passed' has set
        await self._limit.__aexit__(kind, error, traceback)

    def _passed(self) -> None:
        self._left -= 1
        if self._left:
            self._handle = self._loop.call_later(self._part, self._passed)
        else:
            self._limit.reschedule(self._loop.time())
