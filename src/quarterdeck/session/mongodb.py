"""Sessions in MongoDB, which removes expired ones by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson import Binary
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from quarterdeck.exceptions import ConfigurationError

from .base import Entry, Row, SessionStore

if TYPE_CHECKING:
    from pymongo.asynchronous.collection import AsyncCollection
    from quart import Quart

Document = dict[str, Any]


class MongoStore(SessionStore):
    """Rows are documents, their version counted up by every write.

    Args:
        source: The app's own client, which it closes itself; or the URL for one.
        timeout: Seconds for finding a server and for answers, where the client is made here.
    """

    name = "mongodb"
    errors = (PyMongoError,)

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
        self._indexed = False

    async def read(self, key: str) -> Row | None:
        found = await self._collection().find_one({"_id": key}, {"payload": 1, "version": 1})
        return None if found is None else Row(bytes(found["payload"]), found["version"])

    async def create(self, key: str, entry: Entry) -> None:
        await self._make_indexes()
        await self._collection().insert_one({"_id": key, "version": 1, **_fields(entry)})

    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        done = await self._collection().update_one(
            {"_id": key, "version": version}, {"$set": {"version": version + 1, **_fields(entry)}}
        )
        return done.matched_count == 1

    async def delete(self, key: str) -> bool:
        return (await self._collection().delete_one({"_id": key})).deleted_count == 1

    async def find(self, owner: str) -> list[tuple[str, bytes]]:
        found = self._collection().find({"owner": owner}, {"payload": 1})
        return [(each["_id"], bytes(each["payload"])) async for each in found]

    async def existing(self, keys: Collection[str]) -> set[str]:
        alive = {"_id": {"$in": list(keys)}, "expires": {"$gt": datetime.now(UTC)}}
        return {each["_id"] async for each in self._collection().find(alive, {"_id": 1})}

    async def aclose(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    def _collection(self) -> AsyncCollection[Document]:
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

    async def _make_indexes(self) -> None:
        if not self._indexed:
            collection = self._collection()
            await collection.create_index("expires", expireAfterSeconds=0)
            await collection.create_index("owner")
            self._indexed = True


def _fields(entry: Entry) -> Document:
    expires = datetime.fromtimestamp(entry.expires, UTC)
    return {"payload": Binary(entry.payload), "expires": expires, "owner": entry.owner}


def make_store(config: Mapping[str, Any], _app: Quart) -> MongoStore:
    """Return the store that the configuration describes; nothing connects yet."""
    source = config["SESSION_MONGODB"] or "mongodb://127.0.0.1:27017"
    if not isinstance(source, str | AsyncMongoClient):
        raise ConfigurationError(
            "SESSION_MONGODB", f"is {source!r}", "Give a pymongo.AsyncMongoClient, or a URL."
        )
    return MongoStore(
        source,
        database=config["SESSION_MONGODB_DB"],
        collection=config["SESSION_MONGODB_COLLECT"],
        timeout=config["SESSION_TIMEOUT_SECONDS"],
    )
