"""How publisher, reader and presence make a back end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from quarterdeck._config import ConfigKey, integer, read, seconds, text
from quarterdeck.exceptions import ConfigurationError, EventsUnavailableError
from quarterdeck.sockets.base import Backend, Deliver, OnGap, OnPresence, Person
from quarterdeck.sockets.event import Event

from .link import FAILURES, Link, describe
from .presence import Presence
from .publisher import Publisher
from .reader import Fields, Reader

if TYPE_CHECKING:
    from quart import Quart

CONFIG = (
    ConfigKey("SOCKETS_REDIS_PREFIX", "sockets:", text, "What the keys in Redis begin with."),
    ConfigKey(
        "SOCKETS_REDIS_STREAM_LENGTH", 20_000, integer(1), "Entries that the stream keeps, roughly."
    ),
    ConfigKey("SOCKETS_REDIS_BUFFER_SIZE", 10_000, integer(1), "Events that wait for Redis."),
    ConfigKey(
        "SOCKETS_REDIS_TIMEOUT_SECONDS", 1.0, seconds, "Redis is away if it takes longer than that."
    ),
)


class RedisBackend(Backend):
    """All processes write to one stream and read it.

    Args:
        client: The app's own client, which it closes itself; or the URL for one.
        prefix: What all keys begin with.
        timeout: Seconds after which Redis counts as away.
        log_size: Events to begin with.
        length: Entries that the stream keeps, roughly.
        capacity: Events that wait here while Redis is away.
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
        self._link = Link(client, prefix=prefix, timeout=timeout)
        events, nudges = f"{prefix}events", f"{prefix}nudges"
        self._publisher = Publisher(self._link, events, length=length, capacity=capacity)
        self._reader = Reader(self._link, events=events, nudges=nudges, newest=log_size)
        self._presence = Presence(self._link, nudges=nudges)

    async def start(self, deliver: Deliver, on_gap: OnGap, on_presence: OnPresence) -> None:
        def on_event(position: str, fields: Fields) -> None:
            deliver(_read_event(position, fields))

        try:
            await self._reader.start(
                on_gap=on_gap, on_event=on_event, on_nudge=self._presence.nudge
            )
        except RedisError as error:
            raise EventsUnavailableError(self._link.address, describe(error)) from error
        self._presence.start(on_presence)

    async def stop(self) -> None:
        await self._presence.stop()
        await self._reader.stop()
        await self._publisher.stop()
        await self._link.aclose()

    async def publish(self, event: Event) -> str:
        """Send an event; the id is empty if it has to wait because Redis is away.

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
        """Ask Redis for an answer.

        Raises:
            EventsUnavailableError: If there is none in time, or events do not come through.
        """
        try:
            await self._link.ask(self._link.redis.ping())
        except FAILURES as error:
            raise EventsUnavailableError(self._link.address, describe(error)) from error
        if trouble := self._publisher.outages.trouble or self._reader.outages.trouble:
            raise EventsUnavailableError(self._link.address, trouble)


def _read_event(position: str, fields: Fields) -> Event:
    room, name = fields[b"room"].decode(), fields[b"name"].decode()
    return Event(room, position, name, msgspec.Raw(fields[b"data"]))


def make_backend(config: Mapping[str, Any], app: Quart) -> RedisBackend:
    """Return the back end that the configuration describes; nothing connects yet.

    Raises:
        ConfigurationError: If a value cannot work.
    """
    own = read(app, CONFIG)
    if own["SOCKETS_REDIS_STREAM_LENGTH"] < config["SOCKETS_LOG_SIZE"]:
        raise ConfigurationError(
            "SOCKETS_REDIS_STREAM_LENGTH",
            "is less than 'SOCKETS_LOG_SIZE'",
            "Let the stream keep what each process is to know.",
        )
    return RedisBackend(
        _client(config["SOCKETS_REDIS"] or app.config.get("REDIS_URL")),
        prefix=own["SOCKETS_REDIS_PREFIX"],
        timeout=own["SOCKETS_REDIS_TIMEOUT_SECONDS"],
        log_size=config["SOCKETS_LOG_SIZE"],
        length=own["SOCKETS_REDIS_STREAM_LENGTH"],
        capacity=own["SOCKETS_REDIS_BUFFER_SIZE"],
    )


def _client(value: Any) -> Redis | str:
    """Return a client or URL that can work."""
    if isinstance(value, Redis):
        if value.connection_pool.connection_kwargs.get("decode_responses"):
            problem, remedy = "decodes what it reads into text", "Give one without decode_responses"
        else:
            return value
    elif isinstance(value, str) and value.startswith(("redis://", "rediss://", "unix://")):
        return value
    elif value is None:
        problem, remedy = "is not set", "Set it or REDIS_URL, as in 'redis://127.0.0.1:6379/0'"
    else:
        problem, remedy = "is no address of Redis", "Give a redis.asyncio.Redis, or a redis:// URL"
    raise ConfigurationError("SOCKETS_REDIS", problem, f"{remedy}.")
