"""The rate limit for the messages of a client."""

from __future__ import annotations

import time


class RateLimiter:
    """A token bucket of ``burst`` messages that is refilled with ``rate`` per second."""

    def __init__(self, rate: int, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._at = time.monotonic()
        self._refused = 0

    def allows(self) -> bool:
        """Take a token; return False if there is none."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            self._refused += 1
            return False
        self._left -= 1
        self._refused = 0
        return True

    @property
    def is_flooding(self) -> bool:
        """Whether as many messages in a row as a burst holds were refused."""
        return self._refused >= self._burst
