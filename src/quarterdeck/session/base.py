"""The contract of a session store: what there is to write for another technology.

A store keeps rows of bytes. What is in them, how long they are good for, and how the
changes of concurrent requests come together is decided above it (``keeper``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from quarterdeck.exceptions import SessionListingError


@dataclass(frozen=True, slots=True)
class Row:
    """What was read.

    Attributes:
        payload: The bytes.
        version: Told to ``replace``, which finds out by it whether the row was changed since.
    """

    payload: bytes
    version: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written.

    Attributes:
        payload: The bytes.
        expires: Unix time from which the row is rubbish and may be removed.
        owner: The user whose session it is, for ``find``; None before sign-in.
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

    A store opens its client when it is first used, on the event loop that serves, and is
    not asked to hurry: its caller ends an operation that takes too long by cancelling it.
    """

    name: ClassVar[str]
    errors: ClassVar[tuple[type[Exception], ...]]
    """What the client raises when the server is away or in trouble, beside OSError."""

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
            False if not: a row that was deleted meanwhile must not come back.
        """

    @abstractmethod
    async def delete(self, key: str) -> bool:
        """Remove the row; return whether it was there."""

    async def find(self, owner: str) -> list[tuple[str, bytes]]:
        """Return key and payload of every row of ``owner``.

        Raises:
            SessionListingError: If the technology cannot look for rows.
        """
        raise SessionListingError(self.name)

    async def existing(self, keys: Collection[str]) -> set[str]:
        """Return those of ``keys`` that have a row which has not expired.

        In one question where the technology can; here one by one.
        """
        return {key for key in keys if await self.read(key) is not None}

    async def clean_up(self) -> None:
        """Remove expired rows, where the technology does not do so by itself."""
        return

    async def aclose(self) -> None:
        """Close the client if the store made it. The next use opens it again."""
        return
