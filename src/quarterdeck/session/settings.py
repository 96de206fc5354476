"""The rules for the lifetimes of the browser sessions of one app."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

RENEW_AFTER = 0.1  # of the idle lifetime: the only write that reading ever causes


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules of one app. Lengths of time in seconds.

    Attributes:
        idle: A session unused for so long has ended.
        anonymous_idle: The same for a session without a user.
        absolute: A session begun so long ago has ended; None for no limit.
        renew: Whether use extends the idle lifetime.
        owner_key: The key of a session that names its user.
        timeout: The store counts as down if it takes longer.
        clean_up_every: New sessions between two removals of expired rows, on average.
    """

    prefix: str
    id_length: int
    permanent: bool
    idle: float
    anonymous_idle: float
    absolute: float | None
    renew: bool
    owner_key: str
    timeout: float
    clean_up_every: int

    def owner(self, data: Mapping[str, Any]) -> str | None:
        """The id of the signed-in user; None for an anonymous session."""
        owner = data.get(self.owner_key)
        return None if owner is None else str(owner)

    def lifetime(self, data: Mapping[str, Any]) -> float:
        """Seconds after which a session with this data has ended if it is not used."""
        return self.anonymous_idle if self.owner(data) is None else self.idle

    def limit(self, expires: datetime | None, data: Mapping[str, Any]) -> datetime | None:
        """Let a cookie expire no later than its session; None if the browser ends it."""
        if expires is None:
            return None
        return min(expires, moment(time.time() + self.lifetime(data)))

    def is_due(self, seen: float, data: Mapping[str, Any]) -> bool:
        """Whether to extend the lifetime of a session that was last seen at this Unix time."""
        return self.renew and time.time() - seen >= self.lifetime(data) * RENEW_AFTER


def moment(timestamp: float) -> datetime:
    """Return a Unix time as a datetime in UTC."""
    return datetime.fromtimestamp(timestamp, UTC)
