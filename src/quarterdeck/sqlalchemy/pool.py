"""A connection pool that refuses in time instead of letting requests pile up."""

from __future__ import annotations

import logging

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection

from quarterdeck.exceptions import PoolExhaustedError

logger = logging.getLogger("quarterdeck.sqlalchemy")


class BoundedPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's queue pool, but a spent pool answers 503 and not 500."""

    def connect(self) -> PoolProxiedConnection:
        """Check out a connection.

        Raises:
            PoolExhaustedError: If none became free within the pool's timeout.
        """
        try:
            return super().connect()
        except PoolTimeoutError:
            logger.warning("no free database connection in %s s: %s", self._timeout, self.status())
            raise PoolExhaustedError(self.timeout()) from None
