"""The keys of the rows of a file that were read before: on disk, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable

SeenBefore = Callable[[Iterable[str]], Awaitable[set[str]]]

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID;
BEGIN;
"""


class SeenKeys:
    """Keys in a temporary database of its own, which vanishes with ``close``.

    All methods block, and belong on one thread.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def add(self, keys: Iterable[str]) -> set[str]:
        """Keep keys, and return those among them that earlier calls kept."""
        insert = "INSERT OR IGNORE INTO seen VALUES (?)"
        return {key for key in set(keys) if not self._connection.execute(insert, (key,)).rowcount}
