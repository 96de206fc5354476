"""Sessions in MongoDB, which removes expired ones by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson import Binary
from pymongo.errors import PyMongoError

from quarterdeck._mongodb import Document, InMongoDB, mongodb_source, to_its_end

from .store import Entry, Row, SessionStore

if TYPE_CHECKING:
    from quart import Quart


class MongoStore(InMongoDB, SessionStore):
    """Rows are documents, their version counted up by every write."""

    name = "mongodb"
    errors = (PyMongoError,)

    _indexed = False

    @to_its_end
    async def read(self, key: str) -> Row | None:
        found = await self._collection().find_one({"_id": key}, {"payload": 1, "version": 1})
        return None if found is None else Row(bytes(found["payload"]), found["version"])

    @to_its_end
    async def create(self, key: str, entry: Entry) -> None:
        await self._make_indexes()
        await self._collection().insert_one({"_id": key, "version": 1, **_fields(entry)})

    @to_its_end
    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        done = await self._collection().update_one(
            {"_id": key, "version": version}, {"$set": {"version": version + 1, **_fields(entry)}}
        )
        return done.matched_count == 1

    @to_its_end
    async def delete(self, key: str) -> bool:
        return (await self._collection().delete_one({"_id": key})).deleted_count == 1

    @to_its_end
    async def find(self, owner: str) -> list[tuple[str, bytes]]:
        found = self._collection().find({"owner": owner}, {"payload": 1})
        return [(each["_id"], bytes(each["payload"])) async for each in found]

    @to_its_end
    async def existing(self, keys: Collection[str]) -> set[str]:
        alive = {"_id": {"$in": list(keys)}, "expires": {"$gt": datetime.now(UTC)}}
        return {each["_id"] async for each in self._collection().find(alive, {"_id": 1})}

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
    return MongoStore(
        mongodb_source("SESSION_MONGODB", config["SESSION_MONGODB"]),
        database=config["SESSION_MONGODB_DB"],
        collection=config["SESSION_MONGODB_COLLECT"],
        timeout=config["SESSION_TIMEOUT_SECONDS"],
    )
