"""Counting requests, within a bounded time and without an error for the client."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from limits import RateLimitItem
from limits.aio.storage import Storage

from quarterdeck._repeated_logs import OutageLog
from quarterdeck._state import SingleProcess
from quarterdeck.exceptions import RateLimitsUnavailableError

from .storage import close_storage, counts_moving, make_storage

logger = logging.getLogger("quarterdeck.security")

T = TypeVar("T")

AWAY_SECONDS = 1.0  # in which no request waits for a storage that has failed


@dataclass(frozen=True, slots=True)
class Window:
    """The state of one limit after a request was counted.

    Attributes:
        scope: The scope of the limit.
        item: The limit.
        is_allowed: Whether the request is within it.
        remaining: How many more requests are allowed now.
        seconds: Until there are more again, at least 1.
    """

    scope: str
    item: RateLimitItem
    is_allowed: bool
    remaining: int
    seconds: int


class Counters:
    """The counts of one app."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.storage = make_storage(config)
        self._errors: tuple[type[Exception], ...] = (
            OSError,
            TimeoutError,
            *_kinds(self.storage.base_exceptions),
        )
        self._timeout: float = config["RATELIMIT_STORAGE_TIMEOUT_SECONDS"]
        self._allows_errors: bool = config["RATELIMIT_SWALLOW_ERRORS"]
        self._count = STRATEGIES[config["RATELIMIT_STRATEGY"]]
        self._away_until = 0.0
        self._outages = OutageLog(logger, "The storage of the rate limits")
        self._decisions = {"allowed": 0, "refused": 0, "unchecked": 0}

    @property
    def single_process(self) -> SingleProcess | None:
        """Why several processes cannot serve the app."""
        if getattr(self.storage, "bridge", None) is not None:
            return None
        return "RATELIMIT_STORAGE_URI", "Set RATELIMIT_STORAGE_URI to a Redis URL"

    async def count(self, item: RateLimitItem, scope: str, key: str) -> Window | None:
        """Count a request and return the state of the limit, None if it cannot be known.

        Raises:
            RateLimitsUnavailableError: If it cannot be known and requests are refused then.
        """
        found = await self.ask(lambda: self._count(self.storage, item, scope, key))
        if found is not None:
            self.note(is_allowed=found.is_allowed)
        return found

    def note(self, *, is_allowed: bool) -> None:
        """Add a decision to the statistics."""
        self._decisions["allowed" if is_allowed else "refused"] += 1

    def statistics(self) -> dict[str, int]:
        """Return how many decisions there were of each kind."""
        return dict(self._decisions)

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """Return the answer of the storage, None if it is away.

        Raises:
            RateLimitsUnavailableError: If it is away and requests are refused then.
        """
        if time.monotonic() >= self._away_until:
            try:
                async with asyncio.timeout(self._timeout):
                    answer = await question()
            except self._errors as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                self._outages.failed(str(error) or "no answer in time")
            else:
                self._outages.works()
                return answer
        self._decisions["unchecked"] += 1
        if not self._allows_errors:
            raise RateLimitsUnavailableError
        return None

    async def aclose(self) -> None:
        """Close the connections of the storage."""
        await close_storage(self.storage)


async def _fixed_window(storage: Storage, item: RateLimitItem, scope: str, key: str) -> Window:
    name = item.key_for(scope, key)
    count = await storage.incr(name, item.get_expiry())
    seconds = seconds_until(await storage.get_expiry(name))
    return Window(scope, item, count <= item.amount, max(0, item.amount - count), seconds)


async def _moving_window(storage: Storage, item: RateLimitItem, scope: str, key: str) -> Window:
    moving, name = counts_moving(storage), item.key_for(scope, key)
    is_allowed = await moving.acquire_entry(name, item.amount, item.get_expiry())
    oldest, count = await moving.get_moving_window(name, item.amount, item.get_expiry())
    seconds = seconds_until(oldest + item.get_expiry())
    return Window(scope, item, is_allowed, max(0, item.amount - count), seconds)


STRATEGIES = {"fixed-window": _fixed_window, "moving-window": _moving_window}


def seconds_until(moment: float) -> int:
    """Return the whole seconds until a time of ``time.time()``, at least 1."""
    return max(1, math.ceil(moment - time.time()))


def _kinds(errors: type[Exception] | tuple[type[Exception], ...]) -> tuple[type[Exception], ...]:
    return errors if isinstance(errors, tuple) else (errors,)
