"""The contract of a session store, to implement for another technology.

A store keeps rows of bytes. The manager (``manager``) decides about their contents and
lifetimes, and merges the changes of concurrent requests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from quarterdeck._state import OwnTable
from quarterdeck.exceptions import SessionListingError


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the store has read it.

    Attributes:
        payload: The bytes.
        version: Passed to ``replace``, which detects by it whether the row has changed since.
        extra: What was read in the same statement, for ``session.take_extra()``.
    """

    payload: bytes
    version: Any
    extra: Any = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row for the store to write.

    Attributes:
        payload: The bytes.
        expires: Unix time from which the row may be removed.
        owner: The id of the signed-in user, for ``find``; None for an anonymous session.
    """

    payload: bytes
    expires: float
    owner: str | None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session of a user, as a list shows it.

    Attributes:
        key: Names the row; not the secret id that the browser holds.
        seen: Last known use, exact to a tenth of the idle lifetime.
    """

    key: str
    created: datetime
    seen: datetime
    expires: datetime


class SessionStore(ABC):
    """Where the rows are kept; one instance per app.

    A store opens its client at the first use, on the event loop that serves. It needs no time
    limits: the caller cancels an operation that takes too long.
    """

    name: ClassVar[str]
    errors: ClassVar[tuple[type[Exception], ...]]
    """The errors of the client if the server fails or is not reachable, besides OSError."""

    own_tables: Collection[OwnTable] = ()
    """The tables of the store, if it keeps its rows in a database that migrations may see."""

    @abstractmethod
    async def read(self, key: str) -> Row | None:
        """Return the row, or None. Writes nothing."""

    @abstractmethod
    async def create(self, key: str, entry: Entry) -> None:
        """Add a row under a key that was never used."""

    @abstractmethod
    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        """Overwrite the row if it is still there and still of ``version``, in one step.

        Returns:
            Whether it was overwritten. A row that was deleted must not come back.
        """

    @abstractmethod
    async def delete(self, key: str) -> bool:
        """Remove the row; return whether it was there."""

    async def find(self, owner: str) -> list[tuple[str, bytes]]:
        """Return key and payload of every row of ``owner``.

        Raises:
            SessionListingError: If the technology cannot search rows.
        """
        raise SessionListingError(self.name)

    async def existing(self, keys: Collection[str]) -> set[str]:
        """Return those of ``keys`` that have a row which has not expired.

        Override it if the technology can answer in one query.
        """
        return {key for key in keys if await self.read(key) is not None}

    async def clean_up(self) -> None:
        """Remove expired rows, if the technology does not do so by itself."""
        return

    async def create_own_tables(self) -> None:
        """Make missing tables now, if the store makes them at its first use."""
        return

    def explain(self, error: Exception) -> str:
        """Return the cause of a failure for the log, with the remedy if the store knows one."""
        return repr(error)

    async def aclose(self) -> None:
        """Close the client if the store made it. The next use opens it again."""
        return
