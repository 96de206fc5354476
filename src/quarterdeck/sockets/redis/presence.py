"""Who is in which room by way of which process, each with a lease that it must renew."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

from quarterdeck.sockets.base import Person

from .link import FAILURES, Link, Outages, end
from .reader import Fields

LEASE_SECONDS = 6.0
RENEW_SECONDS = 2.0
# How long a process whose lease is gone still counts: after an outage of Redis the leases of
# all are gone, and come back one after the other.
GRACE_SECONDS = 3.0
GATHER_SECONDS = 0.05
VERSION = ""  # the field of a process's hash that is no room
NUDGES = 100

_decode = msgspec.json.Decoder(list[Person]).decode


@dataclass(slots=True)
class _Other:
    """What is known of another process."""

    version: bytes = b""
    rooms: dict[str, list[Person]] = field(default_factory=dict)
    missing_since: float | None = None

    def learn(self, fields: Fields) -> set[str]:
        """Take over what the process has written; return the rooms that differ from before."""
        before = self.rooms
        self.version = fields.pop(VERSION.encode(), b"")
        self.rooms = {room.decode(): _decode(people) for room, people in fields.items()}
        rooms = before.keys() | self.rooms.keys()
        return {room for room in rooms if before.get(room) != self.rooms.get(room)}


class Presence:
    """Writes who is here by way of this process, and knows who is by way of others.

    Each process has a hash with a field per room, which expires unless it is renewed. A nudge
    in a stream tells the others to look; they also look by themselves, so that nothing hangs
    on a single nudge.

    Args:
        link: The way to Redis.
        nudges: Key of the stream that carries nudges.
    """

    def __init__(self, link: Link, *, nudges: str) -> None:
        self._link = link
        self._nudges = nudges
        self._name = secrets.token_hex(8)
        self._processes = f"{link.prefix}processes"
        self._own: dict[str, Sequence[Person]] = {}
        self._wanted: dict[str, bytes] = {}
        self._written: dict[str, bytes] | None = None  # None: nobody knows what is there
        self._version = 0
        self._others: dict[str, _Other] = {}
        self._woken = asyncio.Event()
        self._outages = Outages("sharing who is here")
        self._task: asyncio.Task[None] | None = None
        self._on_presence: Callable[[str], None] | None = None

    def start(self, on_presence: Callable[[str], None]) -> None:
        self._on_presence = on_presence
        self._task = asyncio.create_task(self._run(), name="sockets-presence")

    async def stop(self) -> None:
        """Leave; the others need not wait for the lease to end."""
        if self._task is None:
            return
        await end(self._task)
        self._task = None
        with suppress(*FAILURES):
            await self._link.ask(self._leave())

    def set(self, room: str, people: Sequence[Person]) -> None:
        """Say who is in a room by way of this process."""
        if people:
            self._own[room] = people
            self._wanted[room] = msgspec.json.encode(people)
        else:
            self._own.pop(room, None)
            self._wanted.pop(room, None)
        self._woken.set()

    def here(self, room: str) -> list[Person]:
        """Return who is in a room by way of any process."""
        others = (other.rooms.get(room, ()) for other in self._others.values())
        return [*self._own.get(room, ()), *chain.from_iterable(others)]

    def nudge(self, fields: Fields) -> None:
        """Take a nudge out of the stream."""
        if left := fields.get(b"left"):
            self._forget(left.decode())
        elif fields.get(b"changed") != self._name.encode():
            self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._write()
                await self._look()
            except Exception as error:
                await self._outages.pause(error)
                continue
            self._outages.end()
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS):
                    await self._woken.wait()
                await asyncio.sleep(GATHER_SECONDS)

    async def _write(self) -> None:
        """Renew the lease, and write what has changed."""
        wanted, before = self._wanted.copy(), self._written
        key = self._key(self._name)
        self._written = None
        async with self._link.redis.pipeline(transaction=True) as pipeline:
            if before is None:
                pipeline.delete(key)
            if before != wanted:
                self._version += 1
                changed = wanted.items() - (before or {}).items()
                pipeline.hset(key, mapping={VERSION: self._version, **dict(changed)})
                if gone := (before or {}).keys() - wanted.keys():
                    pipeline.hdel(key, *gone)
                nudge = {"changed": self._name}
                pipeline.xadd(self._nudges, nudge, maxlen=NUDGES, approximate=True)
            pipeline.sadd(self._processes, self._name)
            pipeline.pexpire(key, int(LEASE_SECONDS * 1000))
            *_, renewed = await self._link.ask(pipeline.execute())
        if renewed:
            self._written = wanted
        else:  # the lease had ended, and with it what was written before
            self._woken.set()

    async def _look(self) -> None:
        """Find out what has changed in other processes."""
        answer = await self._link.ask(self._link.redis.smembers(self._processes))
        for name in {name.decode() for name in answer} - self._others.keys() - {self._name}:
            self._others[name] = _Other()
        others = self._others.copy()  # some may leave meanwhile
        stale: dict[str, _Other] = {}
        versions = await self._ask_all("HGET", others, VERSION)
        for (name, other), version in zip(others.items(), versions, strict=True):
            if version is None:
                await self._miss(name, other)
                continue
            other.missing_since = None
            if version != other.version:
                stale[name] = other
        answers = await self._ask_all("HGETALL", stale)
        for other, fields in zip(stale.values(), answers, strict=True):
            self._tell(other.learn(fields))

    async def _ask_all(self, command: str, names: Iterable[str], *more: str) -> list[Any]:
        async with self._link.redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.execute_command(command, self._key(name), *more)
            return list(await self._link.ask(pipeline.execute()))

    async def _miss(self, name: str, other: _Other) -> None:
        """Note that the lease of a process is gone, and after a while that its people are."""
        now = asyncio.get_running_loop().time()
        if other.missing_since is None:
            other.missing_since = now
        elif now - other.missing_since > GRACE_SECONDS:
            await self._link.ask(self._link.redis.srem(self._processes, name))
            self._forget(name)

    def _forget(self, name: str) -> None:
        if (other := self._others.pop(name, None)) is not None:
            self._tell(other.rooms)

    async def _leave(self) -> None:
        async with self._link.redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(self._key(self._name))
            pipeline.srem(self._processes, self._name)
            pipeline.xadd(self._nudges, {"left": self._name}, maxlen=NUDGES, approximate=True)
            await pipeline.execute()

    def _tell(self, rooms: Iterable[str]) -> None:
        if self._on_presence is not None:
            for room in rooms:
                self._on_presence(room)

    def _key(self, name: str) -> str:
        return f"{self._link.prefix}here:{name}"
