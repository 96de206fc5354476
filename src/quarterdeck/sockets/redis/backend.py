"""The back end: a publisher, a reader and the presence on one Redis connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from quarterdeck._redis import LOCAL, redis_source
from quarterdeck.exceptions import ConfigurationError, EventsUnavailableError
from quarterdeck.sockets.base import Backend, Deliver, OnGap, OnPresence, Person
from quarterdeck.sockets.event import Event

from .connection import REDIS_ERRORS, RedisConnection, describe
from .presence import CRASHED, RedisPresence
from .publisher import Publisher
from .reader import Fields, Reader

if TYPE_CHECKING:
    from quart import Quart


class RedisBackend(Backend):
    """A back end in which all processes write to one stream and read it.

    Args:
        client: A client that the app closes itself, or a URL.
        prefix: The prefix of all keys.
        timeout: Seconds after which Redis counts as unavailable.
        log_size: The number of events to read at the start.
        length: The approximate number of entries that the stream keeps.
        capacity: The most events that wait here while Redis is unavailable.
    """

    name = "redis"

    def __init__(
        self,
        client: Redis | str,
        *,
        prefix: str = "sockets:",
        timeout: float = 1.0,
        log_size: int = 10_000,
        length: int = 20_000,
        capacity: int = 10_000,
    ) -> None:
        self._connection = RedisConnection(client, prefix=prefix, timeout=timeout)
        events, notifications = f"{prefix}events", f"{prefix}nudges"
        self._publisher = Publisher(self._connection, events, length=length, capacity=capacity)
        self._reader = Reader(
            self._connection, events=events, notifications=notifications, newest=log_size
        )
        self._presence = RedisPresence(
            self._connection, notifications=notifications, events=events, length=length
        )

    async def start(self, deliver: Deliver, on_gap: OnGap, on_presence: OnPresence) -> None:
        def on_event(position: str, fields: Fields) -> None:
            if CRASHED.encode() in fields:
                on_gap(position)
            else:
                deliver(_read_event(position, fields))

        try:
            await self._reader.start(
                on_gap=on_gap, on_event=on_event, on_notification=self._presence.on_notification
            )
        except RedisError as error:
            raise EventsUnavailableError(self._connection.address, describe(error)) from error
        self._presence.start(on_presence)

    async def stop(self) -> None:
        lost = await self._publisher.stop()
        await self._presence.stop(is_clean=not lost)
        await self._reader.stop()
        await self._connection.aclose()

    async def publish(self, event: Event) -> str:
        """Send an event; the id is empty if it waits because Redis is unavailable.

        Raises:
            EventRefusedError: If too many wait already.
        """
        data = msgspec.json.encode(event.data)
        return await self._publisher.publish({"room": event.room, "name": event.name, "data": data})

    @property
    def waiting(self) -> int:
        return self._publisher.waiting

    async def set_presence(self, room: str, people: Sequence[Person]) -> None:
        self._presence.set(room, people)

    async def here(self, room: str) -> Sequence[Person]:
        return self._presence.here(room)

    async def check(self) -> None:
        """Check that Redis answers and that events pass.

        Raises:
            EventsUnavailableError: If Redis does not answer in time, or events do not pass.
        """
        try:
            await self._connection.call(self._connection.redis.ping())
        except REDIS_ERRORS as error:
            raise EventsUnavailableError(self._connection.address, describe(error)) from error
        if last_error := self._publisher.backoff.last_error or self._reader.backoff.last_error:
            raise EventsUnavailableError(self._connection.address, last_error)


def _read_event(position: str, fields: Fields) -> Event:
    room, name = fields[b"room"].decode(), fields[b"name"].decode()
    return Event(room, position, name, msgspec.Raw(fields[b"data"]))


def make_backend(config: Mapping[str, Any], app: Quart) -> RedisBackend:
    """Return the back end that the configuration describes; nothing connects yet.

    Raises:
        ConfigurationError: If a value cannot work.
    """
    if config["SOCKETS_REDIS_STREAM_LENGTH"] < config["SOCKETS_LOG_SIZE"]:
        raise ConfigurationError(
            "SOCKETS_REDIS_STREAM_LENGTH",
            "is less than 'SOCKETS_LOG_SIZE'",
            "Raise it at least to SOCKETS_LOG_SIZE.",
        )
    key = "SOCKETS_REDIS" if config["SOCKETS_REDIS"] else "REDIS_URL"
    client = config["SOCKETS_REDIS"] or app.config.get("REDIS_URL")
    if client is None:
        raise ConfigurationError(
            "SOCKETS_REDIS", "is not set", f"Set it or REDIS_URL, as in '{LOCAL}'."
        )
    return RedisBackend(
        redis_source(key, client if isinstance(client, Redis) else str(client)),
        prefix=config["SOCKETS_REDIS_PREFIX"],
        timeout=config["SOCKETS_REDIS_TIMEOUT_SECONDS"],
        log_size=config["SOCKETS_LOG_SIZE"],
        length=config["SOCKETS_REDIS_STREAM_LENGTH"],
        capacity=config["SOCKETS_REDIS_BUFFER_SIZE"],
    )
