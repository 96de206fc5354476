"""How much a client may say."""

from __future__ import annotations

import time


class Rate:
    """A bucket that holds ``burst`` messages and is refilled with ``rate`` per second."""

    def __init__(self, rate: int, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._at = time.monotonic()
        self._refused = 0

    def allows(self) -> bool:
        """Whether one more message may come now."""
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
    def is_flooded(self) -> bool:
        """Whether the client goes on after being told, as often as a burst has messages."""
        return self._refused >= self._burst
