"""Alembic in a thread, its connection on the event loop.

Alembic reads and writes files and imports scripts, which would hold up the loop; so it runs
in a thread. When it needs the database, the thread waits while the loop lends it a
connection with ``run_sync``. There is one such thread per process, because Alembic keeps
``context`` and ``op`` in module globals.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
Use = Callable[[Connection], None]
Lend = Callable[[Use], Awaitable[None]]

_alembic_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="alembic")


async def in_thread(call: Callable[[Callable[[Use], None]], T], lend: Lend) -> T:
    """Return what ``call(online)`` returns, which runs in the thread.

    In there, ``online(use)`` calls ``use(connection)`` on the event loop and waits for it. A
    cancellation is delivered to the database work; the thread is waited for in any case.

    Args:
        call: The work; a plain function.
        lend: Runs a function with a connection, on the loop.
    """
    loop = asyncio.get_running_loop()
    requests: asyncio.Queue[tuple[Use, Future[None]] | None] = asyncio.Queue()

    def online(use: Use) -> None:
        reply: Future[None] = Future()
        loop.call_soon_threadsafe(requests.put_nowait, (use, reply))
        reply.result()

    work = loop.run_in_executor(_alembic_thread, contextvars.copy_context().run, call, online)
    work.add_done_callback(lambda _work: requests.put_nowait(None))
    cancelled: asyncio.CancelledError | None = None
    while True:
        try:
            if (request := await requests.get()) is None:
                break
            await _answer(*request, lend, cancelled)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        work.exception()  # what the cancellation made of it
        raise cancelled
    return work.result()


async def _answer(
    use: Use, reply: Future[None], lend: Lend, cancelled: asyncio.CancelledError | None
) -> None:
    try:
        if cancelled is not None:
            raise cancelled
        await lend(use)
    except asyncio.CancelledError:
        reply.set_exception(InterruptedError("The task that runs the migration was cancelled."))
        raise
    except BaseException as error:  # belongs to Alembic, in its thread
        reply.set_exception(error)
    else:
        reply.set_result(None)
