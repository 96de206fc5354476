"""What all stores in MongoDB share: the client, and operations that a cancelled caller leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient
    from pymongo.asynchronous.collection import AsyncCollection

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="InMongoDB")

Document = dict[str, Any]
LOCAL = "mongodb://127.0.0.1:27017"


def mongodb_source(key: str, value: Any) -> AsyncMongoClient[Document] | str:
    """Return the client or the URL in a configuration key; without one, the URL of this machine.

    Raises:
        ConfigurationError: If it is neither.
    """
    from pymongo import AsyncMongoClient

    source: Any = value or LOCAL
    if not isinstance(source, str | AsyncMongoClient):
        raise ConfigurationError(
            key, f"is {source!r}", "Give a pymongo.AsyncMongoClient, or a URL."
        )
    if isinstance(source, str) and not source.startswith(("mongodb://", "mongodb+srv://")):
        raise ConfigurationError(
            key, "is not a MongoDB URL", "Write for example 'mongodb://127.0.0.1'."
        )
    return source


class InMongoDB:
    """The base of a store in one collection, with methods that are marked with ``to_its_end``.

    Args:
        source: The app's own client, which it closes itself; or the URL for one.
        database: The name of the database.
        collection: The name of the collection.
        timeout: Seconds for finding a server and for answers, where the client is made here.
    """

    def __init__(
        self,
        source: AsyncMongoClient[Document] | str,
        *,
        database: str,
        collection: str,
        timeout: float,
    ) -> None:
        self._source = source
        self._names = (database, collection)
        self._timeout = timeout
        self._client: AsyncMongoClient[Document] | None = None
        self.under_way: set[asyncio.Task[Any]] = set()

    def end(self, task: asyncio.Task[Any]) -> None:
        """Forget an operation. The caller gets its error, if it is still there."""
        self.under_way.discard(task)
        if not task.cancelled():
            task.exception()

    async def aclose(self) -> None:
        """Close a client that was made here, and wait for operations whose callers have left."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()
        if self.under_way:
            await asyncio.wait(self.under_way)

    def _collection(self) -> AsyncCollection[Document]:
        from pymongo import AsyncMongoClient

        client = self._source
        if isinstance(client, str):
            if self._client is None:
                milliseconds = int(self._timeout * 1000)
                self._client = AsyncMongoClient(
                    client,
                    serverSelectionTimeoutMS=milliseconds,
                    connectTimeoutMS=milliseconds,
                    socketTimeoutMS=milliseconds,
                )
            client = self._client
        database, collection = self._names
        return client[database][collection]


def to_its_end(
    operation: Callable[Concatenate[S, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
    """Run an operation in a task of its own, which is not cancelled with its caller.

    The client of MongoDB waits for servers and connections on conditions. A cancellation at the
    wrong moment (a page that takes too long, a browser that leaves) raises RuntimeError there and
    can leave the client locked. The timeouts of the client end each operation that is left behind.
    """

    @wraps(operation)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        task = asyncio.create_task(operation(self, *args, **kwargs))
        self.under_way.add(task)
        task.add_done_callback(self.end)
        return await asyncio.shield(task)

    return run
