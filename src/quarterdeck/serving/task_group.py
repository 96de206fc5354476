"""The tasks of one connection, and the queue between its reader and the app."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import hypercorn.asyncio.task_group
from hypercorn.config import Config
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, HTTPDisconnectEvent, Scope

DISCONNECT: HTTPDisconnectEvent = {"type": "http.disconnect"}


class ReceiveQueue:
    """The pieces of one request body that the app has not received yet.

    ``put`` waits while ``size`` pieces are queued, so that an app that reads slowly slows its
    client down. A disconnect ends that wait, drops the pieces that come later, and is itself
    never made to wait: an app that has answered reads no more.

    Hypercorn uses an ``asyncio.Queue``. There the reader of the connection waits without end
    once the app has answered a large upload that it did not read.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._messages: deque[ASGIReceiveEvent] = deque()
        self._arrived = asyncio.Event()
        self._space = asyncio.Event()
        self._ended = False

    async def put(self, message: ASGIReceiveEvent) -> None:
        """Queue a message of the client."""
        if message["type"] == "http.disconnect":
            self._ended = True
            self._space.set()
        else:
            while len(self._messages) >= self._size and not self._ended:
                self._space.clear()
                await self._space.wait()
            if not self._ended:
                self._messages.append(message)
        self._arrived.set()

    async def get(self) -> ASGIReceiveEvent:
        """Return the next message; after the last one, always a disconnect."""
        while not self._messages:
            if self._ended:
                return DISCONNECT
            self._arrived.clear()
            await self._arrived.wait()
        self._space.set()
        return self._messages.popleft()


class TaskGroup(hypercorn.asyncio.task_group.TaskGroup):
    """Hypercorn's group of tasks, in which an app reads from a ``ReceiveQueue``."""

    async def spawn_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        """Start the app for one request, and return the function that feeds it."""
        queue = ReceiveQueue(config.max_app_queue_size)
        self.spawn(self._run_app, app, config, scope, queue, send)
        return queue.put

    async def _run_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        queue: ReceiveQueue,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> None:
        loop = asyncio.get_running_loop()

        def call_soon(function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
            coroutine: Any = function(*args)
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

        try:
            await app(scope, queue.get, send, partial(loop.run_in_executor, None), call_soon)
        except Exception:
            await config.log.exception("Error in ASGI Framework")
        finally:
            await send(None)
