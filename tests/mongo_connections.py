"""Work around a fault of PyMongo: a connect that is cancelled leaves its socket open.

``AsyncMongoClient.close()`` cancels its monitors. PyMongo 4.20 closes the socket of a connect on
``OSError`` only, so the garbage collector finds it later and warns, in a test that has nothing to
do with it. An application loses nothing by it: the collector closes the socket.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo import pool_shared

_connect = pool_shared._async_create_connection


async def _close_if_cancelled(address: Any, options: Any) -> Any:
    """Let a connect come to its end, which its timeout bounds, then close it."""
    connecting = asyncio.ensure_future(_connect(address, options))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        await asyncio.wait([connecting])
        if connecting.exception() is None:
            connecting.result().close()
        raise


def close_cancelled_connections() -> None:
    """Patch PyMongo in this process; a second call changes nothing."""
    pool_shared._async_create_connection = _close_if_cancelled
