"""What stands between the sessions of an app and its store; the same for all stores."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from quarterdeck.exceptions import SessionUnavailableError

from .base import Entry, SessionInfo, SessionStore
from .browser import BrowserSession, Loaded
from .codec import Codec, Envelope, UnreadableError
from .saving import reload, save

logger = logging.getLogger("quarterdeck.session")

RENEW_AFTER = 0.1  # of the idle lifetime: the only write that reading ever causes


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules of one app. Lengths of time in seconds.

    Attributes:
        idle: A session unused for so long has ended.
        absolute: A session begun so long ago has ended; None for no limit.
        renew: Whether use extends the idle lifetime.
        owner_key: The key of a session that names its user.
        timeout: After which the store counts as down.
        clean_up_every: New sessions between two removals of expired rows, on average.
    """

    prefix: str
    id_length: int
    permanent: bool
    idle: float
    absolute: float | None
    renew: bool
    owner_key: str
    timeout: float
    clean_up_every: int


class Keeper:
    """Loads sessions, looks after them, and knows what saving them (``saving``) needs."""

    def __init__(self, store: SessionStore, codec: Codec, settings: Settings) -> None:
        self.store = store
        self.codec = codec
        self.settings = settings
        self._trouble: tuple[type[Exception], ...] = (TimeoutError, OSError, *store.errors)

    def new(self) -> BrowserSession:
        """Return an empty session; it takes an id and a row only when something is in it."""
        return BrowserSession(self, permanent=self.settings.permanent)

    async def open(self, sid: str) -> BrowserSession:
        """Return the session with this id, or a new one: an unknown id is never taken over.

        Raises:
            SessionUnavailableError: If the store is down.
        """
        async with self.in_time():
            found = await self.read(self.key(sid))
        if found is None:
            return self.new()
        loaded, data = found
        return BrowserSession(
            self, permanent=self.settings.permanent, sid=sid, loaded=loaded, data=data
        )

    async def save(self, session: BrowserSession, *, can_set_cookie: bool) -> None:
        """Write what has to be written; see ``saving``."""
        await save(self, session, can_set_cookie=can_set_cookie)

    async def reload(self, session: BrowserSession) -> None:
        """Take over what others have written; see ``saving``."""
        await reload(self, session)

    async def read(self, key: str) -> tuple[Loaded, dict[str, Any]] | None:
        """Return the row and its data, if it is there, readable and not too old."""
        row = await self.store.read(key)
        if row is None:
            return None
        try:
            envelope, data = self.codec.unseal(row.payload)
        except UnreadableError as error:
            logger.warning("session row ignored, it is not in the configured format: %s", error)
            return None
        if self.expiry(envelope) <= time.time():
            return None
        return Loaded(key, envelope, row), data

    # --- looking after them -----------------------------------------------------------

    async def find(self, owner: str) -> list[SessionInfo]:
        """Return the sessions of a user, the last used first.

        Raises:
            SessionListingError: If the store cannot look for rows.
            SessionUnavailableError: If the store is down.
        """
        async with self.in_time():
            rows = await self.store.find(owner)
        found = []
        for key, payload in rows:
            try:
                envelope, data = self.codec.unseal(payload)
            except UnreadableError:
                continue
            expires = self.expiry(envelope)
            if expires > time.time() and self.owner(data) == owner:
                times = map(_moment, (envelope.created, envelope.seen, expires))
                found.append(SessionInfo(key, *times))
        return sorted(found, key=lambda info: info.seen, reverse=True)

    async def existing(self, keys: Collection[str]) -> set[str]:
        """Return which of these rows are still there, for all of them at once."""
        async with self.in_time():
            return await self.store.existing(keys)

    async def end(self, key: str) -> bool:
        """Delete a row; requests under way cannot bring it back."""
        async with self.in_time():
            return await self.store.delete(key)

    def clean_up_is_due(self) -> bool:
        """Whether it is this request's turn to have the store cleaned up."""
        return random.randrange(self.settings.clean_up_every) == 0  # noqa: S311  # no secret

    async def clean_up(self) -> None:
        """Remove expired rows; a store that is in trouble is left alone."""
        try:
            await self.store.clean_up()
        except self._trouble as error:
            logger.warning("expired sessions were not removed: %r", error)

    # --- names, times, trouble --------------------------------------------------------

    def key(self, sid: str) -> str:
        """The name of a row: who reads the store learns no id that a browser could send."""
        return self.settings.prefix + hashlib.sha256(sid.encode()).hexdigest()

    def entry(self, envelope: Envelope, data: dict[str, Any]) -> Entry:
        """Return what the store is to write."""
        return Entry(self.codec.seal(envelope), self.expiry(envelope), self.owner(data))

    def owner(self, data: dict[str, Any]) -> str | None:
        """The user whose session it is; None before sign-in."""
        owner = data.get(self.settings.owner_key)
        return None if owner is None else str(owner)

    def expiry(self, envelope: Envelope) -> float:
        """When the session ends if it is not used again."""
        idle = envelope.seen + self.settings.idle
        absolute = self.settings.absolute
        return idle if absolute is None else min(idle, envelope.created + absolute)

    def is_due(self, envelope: Envelope) -> bool:
        """Whether the lifetime is to be extended now."""
        age = time.time() - envelope.seen
        return self.settings.renew and age >= self.settings.idle * RENEW_AFTER

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Let the store work, for so long and no longer.

        Raises:
            SessionUnavailableError: If it took longer, or failed.
        """
        try:
            async with asyncio.timeout(self.settings.timeout):
                yield
        except self._trouble as error:
            raise SessionUnavailableError(self.store.name, repr(error)) from error


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
