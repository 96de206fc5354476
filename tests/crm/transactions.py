"""Requests and transactions that meet at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from quart import Quart
from sqlalchemy import Engine, event, text
from sqlalchemy.util import await_only

from quarterdeck_crm.extensions import db

from .trading import Trade

Outcomes = list[BaseException | None]


async def at_once(app: Quart, *works: Callable[[], Awaitable[Any]]) -> Outcomes:
    """Do all at the same moment, each as a request of its own; return what each raised."""

    async def alone(work: Callable[[], Awaitable[Any]]) -> None:
        async with app.app_context():
            await work()

    done = await asyncio.gather(*(alone(work) for work in works), return_exceptions=True)
    return [each if isinstance(each, BaseException) else None for each in done]


def run(service: Callable[..., Awaitable[Any]], **values: Any) -> Callable[[], Awaitable[Any]]:
    """Return a request that calls a service in a transaction."""
    return partial(db.run, partial(service, **values))


@contextmanager
def meanwhile(part: str, service: Callable[..., Awaitable[Any]], *, nth: int = 1) -> Iterator[None]:
    """Call a service in a transaction of its own, right after the nth statement with ``part``."""
    waiting = [None] * (nth - 1) + [service]

    def listen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if part in statement and waiting:
            work = waiting.pop(0)
            if work is not None:
                await_only(_alone(work))

    event.listen(Engine, "after_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(Engine, "after_cursor_execute", listen)
    assert not waiting, f"there was no statement with {part}"


async def _alone(service: Callable[..., Awaitable[Any]]) -> None:
    async with db.new_session() as session, session.transaction():
        await service(session)


async def lock_wait(trade: Trade) -> None:
    """Wait until a transaction waits for another one."""
    waits = text("SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")
    async with trade.app.app_context(), asyncio.timeout(10), db.new_session() as session:
        while not await session.scalar(waits):
            await session.rollback()
            await asyncio.sleep(0.2)  # the server reads the table again after 0.1 s
