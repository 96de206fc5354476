"""A store in memory that counts, stalls and fails as it is told: for the tests of the rest."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import Any

from quarterdeck.session import Entry, Row, SessionStore


class MemoryStore(SessionStore):
    """Rows in a dictionary."""

    name = "memory"
    errors = (RuntimeError,)

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Entry, int]] = {}
        self.calls: Counter[str] = Counter()
        self.failure: Exception | None = None
        self.delay = 0.0
        self._versions = itertools.count()

    async def _call(self, name: str) -> None:
        self.calls[name] += 1
        await asyncio.sleep(self.delay)
        if self.failure is not None:
            raise self.failure

    async def read(self, key: str) -> Row | None:
        await self._call("read")
        found = self.rows.get(key)
        return None if found is None else Row(found[0].payload, found[1])

    async def create(self, key: str, entry: Entry) -> None:
        await self._call("create")
        assert key not in self.rows
        self.rows[key] = entry, next(self._versions)

    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        await self._call("replace")
        if key not in self.rows or self.rows[key][1] != version:
            return False
        self.rows[key] = entry, next(self._versions)
        return True

    async def delete(self, key: str) -> bool:
        await self._call("delete")
        return self.rows.pop(key, None) is not None

    async def find(self, owner: str) -> list[tuple[str, bytes]]:
        await self._call("find")
        return [(k, e.payload) for k, (e, _) in self.rows.items() if e.owner == owner]

    async def clean_up(self) -> None:
        await self._call("clean_up")
