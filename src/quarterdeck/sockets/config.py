"""The configuration keys of the hub."""

from __future__ import annotations

from typing import Any

from quarterdeck.config import ConfigKey, anything, integer, seconds, text, type_name

BACKENDS = ("memory", "redis")
MIN_PAUSE = 0.01


@type_name(f"number or `timedelta`, at least {MIN_PAUSE}")
def pause(raw: Any) -> float:
    """A length of time in seconds that is no busy loop."""
    value = seconds(raw)
    if value < MIN_PAUSE:
        raise ValueError(f"at least {MIN_PAUSE} seconds")
    return value


CONFIG = (
    ConfigKey(
        "SOCKETS_BACKEND",
        "memory",
        text,
        "The back end that connects the processes: `memory` for one process, `redis` for "
        "several. The CRM uses `redis` if `REDIS_URL` is set.",
        choices=BACKENDS,
    ),
    ConfigKey(
        "SOCKETS_REDIS",
        None,
        anything,
        "A `redis.asyncio.Redis` or a URL. None is `REDIS_URL`.",
    ),
    ConfigKey(
        "SOCKETS_LOG_SIZE",
        10_000,
        integer(1),
        "Events that each process keeps for clients that reconnect with `since`. A client "
        "that missed older ones gets a `gap`.",
        unit="events",
    ),
    ConfigKey(
        "SOCKETS_QUEUE_SIZE",
        1_000,
        integer(1),
        "The most messages that wait for one client. A client that falls further behind is "
        "closed with 1008 and may reconnect with `since`.",
        unit="messages",
    ),
    ConfigKey(
        "SOCKETS_MAX_MESSAGE_SIZE",
        16_384,
        integer(64),
        "The largest incoming message. A larger one closes the connection with 1009.",
        unit="bytes",
    ),
    ConfigKey(
        "SOCKETS_MAX_TEXT",
        2_000,
        integer(1),
        "The longest text of a `say` message. A longer one is answered with an error message.",
        unit="characters",
    ),
    ConfigKey(
        "SOCKETS_MAX_ROOMS",
        100,
        integer(1),
        "The most rooms that one connection may join.",
        unit="rooms",
    ),
    ConfigKey(
        "SOCKETS_RATE",
        20,
        integer(1),
        "Incoming messages per second that one connection may send over time.",
        unit="messages per second",
    ),
    ConfigKey(
        "SOCKETS_BURST",
        60,
        integer(1),
        "Incoming messages that one connection may send at once. Further ones are answered "
        "with errors; as many again close the connection with 1008.",
        unit="messages",
    ),
    ConfigKey(
        "SOCKETS_RECHECK_SECONDS",
        3.0,
        pause,
        "Time between two calls of `recheck`. After signing out, a user is disconnected "
        "within this time.",
        unit="seconds",
    ),
    ConfigKey(
        "SOCKETS_PRESENCE_SECONDS",
        0.2,
        pause,
        "Time during which changes of presence are collected into one message. It grows in "
        "proportion in rooms with more than 50 connections.",
        unit="seconds",
    ),
    ConfigKey(
        "SOCKETS_REDIS_PREFIX",
        "sockets:",
        text,
        "Prefix of the keys in Redis. Give each app its own if several share a server.",
    ),
    ConfigKey(
        "SOCKETS_REDIS_STREAM_LENGTH",
        20_000,
        integer(1),
        "Approximate number of entries that the stream keeps; at least `SOCKETS_LOG_SIZE`.",
        unit="entries",
    ),
    ConfigKey(
        "SOCKETS_REDIS_BUFFER_SIZE",
        10_000,
        integer(1),
        "Events that each process keeps while Redis is unavailable. Further ones are refused "
        "with `EventRefusedError`.",
        unit="events",
    ),
    ConfigKey(
        "SOCKETS_REDIS_TIMEOUT_SECONDS",
        1.0,
        seconds,
        "How long to wait for Redis before it counts as unavailable. Publishing waits no "
        "longer than this; the event is then sent in the background.",
        unit="seconds",
    ),
)
