"""Counts in the memory of one process, with a bound on their number."""

from __future__ import annotations

import heapq
import time
from collections import deque
from dataclasses import dataclass

from limits.aio.storage import MovingWindowSupport, Storage


@dataclass(slots=True)
class _Entry:
    """A count, or the times of requests, and when it is of no more use."""

    expires: float
    count: int = 0
    times: deque[float] | None = None


class BoundedMemoryStorage(Storage, MovingWindowSupport):
    """A storage of ``limits`` that holds at most ``size`` entries.

    The memory storage of the library has no bound and walks over all keys at each request. No
    method waits, so each is exact under concurrency.

    Args:
        size: The most entries; each time of a moving window counts as one.
    """

    STORAGE_SCHEME = None

    def __init__(self, size: int) -> None:
        super().__init__()
        self._max_size = size
        self._size = 0
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[float, str]] = []  # one for each entry, the first to expire on top

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        entry = self._find_or_add(key, expiry)
        entry.count += amount
        return entry.count

    async def get(self, key: str) -> int:
        entry = self._find(key)
        return entry.count if entry else 0

    async def get_expiry(self, key: str) -> float:
        entry = self._find(key)
        return entry.expires if entry else time.time()

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        now = time.time()
        entry = self._find_or_add(key, expiry)
        times = self._times(entry, now - expiry)
        if len(times) + amount > limit:
            return False
        times.extend([now] * amount)
        entry.expires = now + expiry
        self._size += amount
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        now = time.time()
        entry = self._find(key)
        times = self._times(entry, now - expiry) if entry else None
        return (times[0], len(times)) if times else (now, 0)

    async def clear(self, key: str) -> None:
        """Reset a count; the entry stays until it expires, so that the heap has one for each."""
        entry = self._find(key)
        if entry is not None:
            entry.count = 0
            self._times(entry, time.time())

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        number = len(self._entries)
        self._entries.clear()
        self._heap.clear()
        self._size = 0
        return number

    def _find(self, key: str) -> _Entry | None:
        """Return the entry of a key, unless it has expired."""
        entry = self._entries.get(key)
        return entry if entry is not None and entry.expires > time.time() else None

    def _find_or_add(self, key: str, expiry: int) -> _Entry:
        now = time.time()
        while self._heap and (self._heap[0][0] <= now or self._size >= self._max_size):
            self._drop_first()
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(now + expiry)
            heapq.heappush(self._heap, (entry.expires, key))
            self._size += 1
        return entry

    def _drop_first(self) -> None:
        """Drop the entry that expires first, or note that it lives longer than it did."""
        noted, key = heapq.heappop(self._heap)
        entry = self._entries[key]
        if entry.expires > noted:
            heapq.heappush(self._heap, (entry.expires, key))
        else:
            del self._entries[key]
            self._size -= 1 + len(entry.times or ())

    def _times(self, entry: _Entry, after: float) -> deque[float]:
        """Return the times of an entry, without those that are too old."""
        if entry.times is None:
            entry.times = deque()
        while entry.times and entry.times[0] <= after:
            entry.times.popleft()
            self._size -= 1
        return entry.times
