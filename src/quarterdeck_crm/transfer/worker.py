"""One thread for the files of an import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """Runs plain functions one after the other on a thread of its own.

    So the event loop goes on while files are read, and whoever is cancelled can still close
    what the thread is using: it happens after the step that is under way.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "import")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns."""
        future = self._thread.submit(function, *args, **kwargs)
        return await asyncio.wrap_future(future)

    async def iterate(self, items: Generator[T, None, None]) -> AsyncIterator[T]:
        """Yield what a generator yields; it is closed at the end."""
        try:
            while (item := await self.run(next, items, None)) is not None:
                yield item
        finally:
            await self.run(items.close)

    def close(self) -> None:
        """Let the thread end with what it was given."""
        self._thread.shutdown(wait=False)
