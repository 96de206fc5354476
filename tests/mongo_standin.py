"""A stand-in for MongoDB: its wire protocol on a socket, mongomock behind it.

There is no package of the real server for most machines. This lets the real client speak
over a real connection, which can be cut and can freeze; what commands do is mongomock's
idea of it. Run it with a port; a ``mongod`` on the search path is used in its place.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from typing import Any

import bson
import mongomock

_HEADER = struct.Struct("<iiii")
_QUERY, _REPLY, _MESSAGE = 2004, 1, 2013
Document = dict[str, Any]

HELLO: Document = {
    "ismaster": True,
    "isWritablePrimary": True,
    "helloOk": True,
    "maxBsonObjectSize": 16 * 2**20,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "readOnly": False,
}


class StandIn:
    """Answers commands."""

    def __init__(self) -> None:
        self._client: Any = mongomock.MongoClient()

    def run(self, command: Document) -> Document:
        """Return the answer to a command."""
        name, target = next(iter(command.items()))
        method = getattr(self, f"_{name.lower()}", None)
        if method is None:
            return {"ok": 0.0, "code": 59, "errmsg": f"no such command: '{name}'"}
        collection = self._client[command["$db"]][target] if isinstance(target, str) else None
        try:
            return {"ok": 1.0, **method(collection, command)}
        except mongomock.DuplicateKeyError as error:
            return {
                "ok": 1.0,
                "n": 0,
                "writeErrors": [{"index": 0, "code": 11000, "errmsg": str(error)}],
            }

    def _hello(self, _collection: Any, _command: Document) -> Document:
        return HELLO

    _ismaster = _hello

    def _ping(self, _collection: Any, _command: Document) -> Document:
        return {}

    _endsessions = _killcursors = _ping

    def _find(self, collection: Any, command: Document) -> Document:
        found = collection.find(command.get("filter", {}), command.get("projection"))
        if order := command.get("sort"):
            found = found.sort(list(order.items()))
        return {
            "cursor": {
                "id": 0,
                "ns": collection.full_name,
                "firstBatch": list(found.limit(command.get("limit", 0))),
            }
        }

    def _insert(self, collection: Any, command: Document) -> Document:
        for document in command["documents"]:
            collection.insert_one(document)
        return {"n": len(command["documents"])}

    def _update(self, collection: Any, command: Document) -> Document:
        done = [collection.update_one(each["q"], each["u"]) for each in command["updates"]]
        return {
            "n": sum(each.matched_count for each in done),
            "nModified": sum(each.modified_count for each in done),
        }

    def _delete(self, collection: Any, command: Document) -> Document:
        done = [collection.delete_one(each["q"]) for each in command["deletes"]]
        return {"n": sum(each.deleted_count for each in done)}

    def _createindexes(self, collection: Any, command: Document) -> Document:
        for index in command["indexes"]:
            options = {k: index[k] for k in ("expireAfterSeconds", "unique") if k in index}
            collection.create_index(list(index["key"].items()), **options)
        return {}


def read_command(kind: int, body: bytes) -> Document:
    """Return the command in a message of either kind."""
    if kind == _QUERY:  # only the first message of a connection
        start = body.index(b"\0", 4) + 9
        return bson.decode(body[start:]) | {"$db": "admin"}
    command: Document = {}
    rest = body[4:]
    while rest:
        section, rest = rest[0], rest[1:]
        (size,) = struct.unpack_from("<i", rest)
        part, rest = rest[:size], rest[size:]
        if section == 0:
            command = bson.decode(part) | command
        else:  # a list of documents beside the command
            end = part.index(b"\0", 4)
            command[part[4:end].decode()] = bson.decode_all(part[end + 1 :])
    name = next(key for key in command if key not in _LISTS)
    return {name: command.pop(name)} | command


_LISTS = {"documents", "updates", "deletes"}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, db: StandIn) -> None:
    """Answer one connection until it closes."""
    try:
        while True:
            size, number, _, kind = _HEADER.unpack(await reader.readexactly(_HEADER.size))
            body = await reader.readexactly(size - _HEADER.size)
            answer = bson.encode(db.run(read_command(kind, body)))
            if kind == _QUERY:
                answer = struct.pack("<iqii", 8, 0, 0, 1) + answer
            else:
                answer = struct.pack("<iB", 0, 0) + answer
            reply = _REPLY if kind == _QUERY else _MESSAGE
            writer.write(_HEADER.pack(_HEADER.size + len(answer), 0, number, reply) + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int) -> None:
    """Serve on a loopback port until killed."""
    db = StandIn()
    server = await asyncio.start_server(lambda r, w: serve(r, w, db), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
