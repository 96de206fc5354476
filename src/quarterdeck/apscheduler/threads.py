"""Plain functions in threads that do not keep the process from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any


async def run_in_thread(function: Callable[[], Any], name: str) -> Any:
    """Return the result of a function, which runs in a thread of its own.

    It sees the context variables of the caller, such as the current app. A caller that is
    cancelled leaves it behind: a thread cannot be stopped. It ends with the process.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = copy_context()

    def tell(result: Any, error: Exception | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        result: Any = None
        error: Exception | None = None
        try:
            result = context.run(function)
        except BaseException as raised:
            # The caller would wait without end for an error that is kept from it. A future takes
            # no StopIteration, and SystemExit or a cancellation would end more than the function.
            if isinstance(raised, Exception) and not isinstance(raised, StopIteration):
                error = raised
            else:
                error = RuntimeError(f"the function raised {raised!r}")
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future
