"""The presence of all processes in Redis; each process holds a lease."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

from quarterdeck._process import process_token
from quarterdeck.sockets.base import Person

from .connection import REDIS_ERRORS, Backoff, RedisConnection, cancel
from .reader import Fields

LEASE_SECONDS = 6.0
RENEW_SECONDS = 2.0
# How long a process whose lease is gone still counts: after an outage of Redis the leases of
# all are gone, and come back one after the other.
GRACE_SECONDS = 3.0
DEBOUNCE_SECONDS = 0.05
CRASHED = "crashed"  # the field of an entry that is no event but a gap
VERSION = ""  # the field of a process's hash that is no room
MAX_NOTIFICATIONS = 100

_decode = msgspec.json.Decoder(list[Person]).decode


@dataclass(slots=True)
class _RemoteProcess:
    """The state of another process, as last read."""

    version: bytes = b""
    rooms: dict[str, list[Person]] = field(default_factory=dict)
    missing_since: float | None = None

    def update(self, fields: Fields) -> set[str]:
        """Store the fields that the process has written; return the rooms that changed."""
        before = self.rooms
        self.version = fields.pop(VERSION.encode(), b"")
        self.rooms = {room.decode(): _decode(people) for room, people in fields.items()}
        rooms = before.keys() | self.rooms.keys()
        return {room for room in rooms if before.get(room) != self.rooms.get(room)}


class RedisPresence:
    """Write the members of this process, and read those of the others.

    Each process has a hash with a field per room, which expires unless it is renewed. A
    notification in a stream makes the others read it; they also read it every few seconds, so
    that a lost notification only costs time.

    A process whose lease ends without a goodbye may have committed changes that it never
    published. The first one to notice writes that into the stream of events, and all clients are
    told of a gap.

    Args:
        connection: The client and its timeout.
        notifications: Key of the stream that carries notifications.
        events: Key of the stream that carries events.
        length: Entries that the stream of events keeps, roughly.
    """

    def __init__(
        self, connection: RedisConnection, *, notifications: str, events: str, length: int
    ) -> None:
        self._connection = connection
        self._notifications = notifications
        self._events = events
        self._length = length
        self._suffix = secrets.token_hex(4)
        self._processes = f"{connection.prefix}processes"
        self._local: dict[str, Sequence[Person]] = {}
        self._encoded: dict[str, bytes] = {}
        self._written: dict[str, bytes] | None = None  # None: the content of Redis is unknown
        self._version = 0
        self._remote: dict[str, _RemoteProcess] = {}
        self._changed = asyncio.Event()
        self._backoff = Backoff("sharing presence")
        self._task: asyncio.Task[None] | None = None
        self._on_presence: Callable[[str], None] | None = None

    @property
    def _name(self) -> str:
        """This process, and this object among others in it."""
        return process_token() + self._suffix

    def start(self, on_presence: Callable[[str], None]) -> None:
        self._on_presence = on_presence
        self._task = asyncio.create_task(self._run(), name="sockets-presence")

    async def stop(self, *, is_clean: bool = True) -> None:
        """Remove this process, so that the others need not wait for its lease to end.

        Args:
            is_clean: Whether all events were published. If not, the lease ends by itself, as
                that of a killed process, so that clients are told of a gap.
        """
        if self._task is None:
            return
        await cancel(self._task)
        self._task = None
        if not is_clean:
            return
        with suppress(*REDIS_ERRORS):
            await self._connection.call(self._leave())

    def set(self, room: str, people: Sequence[Person]) -> None:
        """Set the members that are in a room through this process."""
        if people:
            self._local[room] = people
            self._encoded[room] = msgspec.json.encode(people)
        else:
            self._local.pop(room, None)
            self._encoded.pop(room, None)
        self._changed.set()

    def here(self, room: str) -> list[Person]:
        """Return the members in a room, of all processes."""
        others = (other.rooms.get(room, ()) for other in self._remote.values())
        return [*self._local.get(room, ()), *chain.from_iterable(others)]

    def on_notification(self, fields: Fields) -> None:
        """Handle a notification of another process."""
        if left := fields.get(b"left"):
            self._remove(left.decode())
        elif fields.get(b"changed") != self._name.encode():
            self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self._write()
                await self._read_remote()
            except Exception as error:
                await self._backoff.wait(error)
                continue
            self._backoff.reset()
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS):
                    await self._changed.wait()
                await asyncio.sleep(DEBOUNCE_SECONDS)

    async def _write(self) -> None:
        """Renew the lease, and write changes."""
        encoded, before = self._encoded.copy(), self._written
        key = self._key(self._name)
        self._written = None
        async with self._connection.redis.pipeline(transaction=True) as pipeline:
            if before is None:
                pipeline.delete(key)
            if before != encoded:
                self._version += 1
                changed = encoded.items() - (before or {}).items()
                pipeline.hset(key, mapping={VERSION: self._version, **dict(changed)})
                if gone := (before or {}).keys() - encoded.keys():
                    pipeline.hdel(key, *gone)
                notification = {"changed": self._name}
                pipeline.xadd(
                    self._notifications, notification, maxlen=MAX_NOTIFICATIONS, approximate=True
                )
            pipeline.sadd(self._processes, self._name)
            pipeline.pexpire(key, int(LEASE_SECONDS * 1000))
            *_, renewed = await self._connection.call(pipeline.execute())
        if renewed:
            self._written = encoded
        else:  # the lease had ended, and with it what was written before
            self._changed.set()

    async def _read_remote(self) -> None:
        """Read the changes of other processes."""
        answer = await self._connection.call(self._connection.redis.smembers(self._processes))
        for name in {name.decode() for name in answer} - self._remote.keys() - {self._name}:
            self._remote[name] = _RemoteProcess()
        others = self._remote.copy()  # some may leave during the calls
        stale: dict[str, _RemoteProcess] = {}
        versions = await self._call_all("HGET", others, VERSION)
        for (name, other), version in zip(others.items(), versions, strict=True):
            if version is None:
                await self._mark_missing(name, other)
                continue
            other.missing_since = None
            if version != other.version:
                stale[name] = other
        answers = await self._call_all("HGETALL", stale)
        for other, fields in zip(stale.values(), answers, strict=True):
            self._notify(other.update(fields))

    async def _call_all(self, command: str, names: Iterable[str], *more: str) -> list[Any]:
        async with self._connection.redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.execute_command(command, self._key(name), *more)
            return list(await self._connection.call(pipeline.execute()))

    async def _mark_missing(self, name: str, other: _RemoteProcess) -> None:
        """Note that the lease of a process is missing; after a while, remove its members."""
        now = asyncio.get_running_loop().time()
        if other.missing_since is None:
            other.missing_since = now
        elif now - other.missing_since > GRACE_SECONDS:
            await self._connection.call(self._note_crash(name))
            self._remove(name)

    async def _note_crash(self, name: str) -> None:
        """Forget a process and write the gap that it leaves, both or neither."""
        redis = self._connection.redis
        if not await redis.sismember(self._processes, name):
            return  # another process was faster
        number = time.time_ns() // 1_000_000
        entry = {CRASHED: name, "from": f"crash:{name}-{number}"}
        async with redis.pipeline(transaction=True) as pipeline:
            pipeline.srem(self._processes, name)
            pipeline.xadd(self._events, entry, maxlen=self._length, approximate=True)
            await pipeline.execute()

    def _remove(self, name: str) -> None:
        if (other := self._remote.pop(name, None)) is not None:
            self._notify(other.rooms)

    async def _leave(self) -> None:
        async with self._connection.redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(self._key(self._name))
            pipeline.srem(self._processes, self._name)
            pipeline.xadd(
                self._notifications,
                {"left": self._name},
                maxlen=MAX_NOTIFICATIONS,
                approximate=True,
            )
            await pipeline.execute()

    def _notify(self, rooms: Iterable[str]) -> None:
        if self._on_presence is not None:
            for room in rooms:
                self._on_presence(room)

    def _key(self, name: str) -> str:
        return f"{self._connection.prefix}here:{name}"
