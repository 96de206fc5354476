"""The configuration keys of the hub."""

from __future__ import annotations

from typing import Any

from quarterdeck._config import ConfigKey, integer, seconds, text

BACKENDS = ("memory", "redis")
SHORTEST = 0.01


def anything(raw: Any) -> Any:
    """A client, or what else the back end says."""
    return raw


def pause(raw: Any) -> float:
    """A length of time in seconds that is no busy loop."""
    value = seconds(raw)
    if value < SHORTEST:
        raise ValueError(f"at least {SHORTEST} seconds")
    return value


CONFIG = (
    ConfigKey("SOCKETS_BACKEND", "memory", text, "What connects the processes", BACKENDS),
    ConfigKey("SOCKETS_REDIS", None, anything, "Client or URL; REDIS_URL if not set"),
    ConfigKey("SOCKETS_LOG_SIZE", 10_000, integer(1), "Events kept for those who come back"),
    ConfigKey("SOCKETS_QUEUE_SIZE", 1_000, integer(1), "Messages that may wait for one reader"),
    ConfigKey("SOCKETS_MAX_MESSAGE_SIZE", 16_384, integer(64), "Bytes of one incoming message"),
    ConfigKey("SOCKETS_MAX_TEXT", 2_000, integer(1), "Characters that somebody may say at once"),
    ConfigKey("SOCKETS_MAX_ROOMS", 100, integer(1), "Rooms that one connection may be in"),
    ConfigKey("SOCKETS_RATE", 20, integer(1), "Incoming messages per second and connection"),
    ConfigKey("SOCKETS_BURST", 60, integer(1), "Incoming messages at once, now and then"),
    ConfigKey("SOCKETS_RECHECK_SECONDS", 3.0, pause, "Time between two checks of who may stay"),
    ConfigKey("SOCKETS_PRESENCE_SECONDS", 0.2, pause, "Time in which who is here is collected"),
)
