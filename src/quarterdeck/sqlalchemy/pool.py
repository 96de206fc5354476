"""A connection pool that refuses in time instead of letting requests pile up."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import (
    AsyncAdaptedQueuePool,
    ConnectionPoolEntry,
    Pool,
    PoolProxiedConnection,
    QueuePool,
)

from quarterdeck.exceptions import PoolExhaustedError

logger = logging.getLogger("quarterdeck.sqlalchemy")
# SQLAlchemy gives a pool a logger by its module, and keeps its own loggers at this level.
if (_pool_logger := logging.getLogger(__name__)).level == logging.NOTSET:
    _pool_logger.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """How busy the connections of a database are.

    Attributes:
        checked_out: Connections in use.
        idle: Connections that are open and wait for use.
        waiting: The number of tasks that wait for a connection.
        limit: How many connections there may be, None for any number.
    """

    checked_out: int
    idle: int
    waiting: int
    limit: int | None


class BoundedPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's queue pool, but a spent pool answers 503 and not 500.

    Drivers of servers bind a connection to the event loop that made it. One of another loop, as
    when a test runs a command in a thread, is replaced, and closed by its own loop. Such drivers'
    connections have an attribute ``loop``.

    Attributes:
        waiting: The number of tasks that wait for a connection now.
    """

    waiting = 0

    def connect(self) -> PoolProxiedConnection:
        """Check out a connection.

        Raises:
            PoolExhaustedError: If none became free within the pool's timeout.
        """
        waits = self.checkedout() == limit_of(self)
        self.waiting += waits
        try:
            return super().connect()
        except PoolTimeoutError:
            logger.warning("no free database connection in %s s: %s", self._timeout, self.status())
            raise PoolExhaustedError(self.timeout()) from None
        finally:
            self.waiting -= waits

    def _do_get(self) -> ConnectionPoolEntry:
        entry = super()._do_get()
        if entry.dbapi_connection is not None and _is_of_another_loop(entry.dbapi_connection):
            entry.invalidate(soft=True)  # it is closed and replaced before its use
        return entry

    def _close_connection(self, connection: Any, *, terminate: bool = False) -> None:
        if not _is_of_another_loop(connection):
            super()._close_connection(connection, terminate=terminate)
        elif not connection.loop.is_closed():
            connection.loop.call_soon_threadsafe(connection._terminate_force_close)


def _is_of_another_loop(connection: Any) -> bool:
    if (loop := getattr(connection, "loop", None)) is None:
        return False
    try:
        return loop is not asyncio.get_running_loop()
    except RuntimeError:  # the garbage collector, outside of any loop
        return False


def limit_of(pool: QueuePool) -> int | None:
    """Return how many connections a pool may have, None for any number."""
    return None if pool._max_overflow < 0 else pool.size() + pool._max_overflow


def status_of(pool: Pool) -> PoolStatus | None:
    """Return how busy a pool is; None if it is of a kind that does not count."""
    if not isinstance(pool, QueuePool):
        return None
    waiting = pool.waiting if isinstance(pool, BoundedPool) else 0
    return PoolStatus(pool.checkedout(), pool.checkedin(), waiting, limit_of(pool))


def limit_uses(engine: Engine, most: int) -> None:
    """Replace each connection after so many uses, as servers and proxies that leak need it."""

    @event.listens_for(engine, "checkin")
    def count(_connection: object, entry: ConnectionPoolEntry) -> None:
        uses = entry.info["uses"] = entry.info.get("uses", 0) + 1
        if uses >= most:
            entry.invalidate(soft=True)  # the next one to use it connects anew
