"""Time limits for database servers, whose async drivers wait indefinitely for a frozen one.

A connection whose round trip takes too long is closed, because the server may still send a late
answer on it. SQLAlchemy sees a lost connection: its pool also closes the idle connections, and
reconnects on demand. The modules ``mysql`` and ``postgresql`` put the limits into the drivers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Lost = Callable[[str], Exception]  # makes the driver's error of a lost connection

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Timeouts:
    """Seconds for reaching the server, and for one statement; None for no limit."""

    connect: float | None
    statement: float | None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Timeouts:
        return cls(
            config["SQLALCHEMY_CONNECT_TIMEOUT_SECONDS"] or None,
            config["SQLALCHEMY_QUERY_TIMEOUT_SECONDS"] or None,
        )


_unlimited: ContextVar[bool] = ContextVar("quarterdeck_sqlalchemy_unlimited", default=False)


@contextmanager
def no_time_limit() -> Iterator[None]:
    """Let statements in this block take as long as they need, as migrations do.

    They are not logged as slow either.
    """
    token = _unlimited.set(True)
    try:
        yield
    finally:
        _unlimited.reset(token)


def has_no_time_limit() -> bool:
    """Whether this is called within :func:`no_time_limit`."""
    return _unlimited.get()


async def reach(
    connect: Callable[[], Awaitable[T]],
    seconds: float | None,
    *,
    is_refusal: Callable[[Exception], bool],
    lost: Lost,
) -> T:
    """Connect. Wait for a restarting server as long as for a frozen one."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + (seconds or 0)
    while True:
        try:
            return await in_time(connect(), seconds, lost)
        except Exception as error:
            if not is_refusal(error) or loop.time() + POLL_SECONDS > deadline:
                raise
        await asyncio.sleep(POLL_SECONDS)


async def in_time(work: Awaitable[T], seconds: float | None, lost: Lost) -> T:
    """Await a round trip, and cancel it after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise lost(f"the database did not answer within {seconds} s") from error
