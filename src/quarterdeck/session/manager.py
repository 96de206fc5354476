"""The manager between the browser sessions of an app and its store, the same for all stores.

Saving is compare-and-set. If another request changed the row first, the row is read again and
the keys that this request changed are applied to it, so neither request loses anything.
A missing row was deleted on purpose: the changes of a late request are dropped with it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from quarterdeck._repeated_logs import OutageLog
from quarterdeck._state import release_resources
from quarterdeck.exceptions import (
    SessionHandshakeError,
    SessionUnavailableError,
    SessionUnreadableError,
)

from .browser import BrowserSession, Loaded
from .codec import Codec, Envelope
from .csrf_cookie import CSRFCookie, CSRFOnly
from .limits import RunningTimeout
from .settings import Settings, moment
from .store import Entry, SessionInfo, SessionStore

logger = logging.getLogger("quarterdeck.session")

ATTEMPTS = 30
PAUSE = 0.01  # seconds, times the number of attempts


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that one request made to a session."""

    changed: dict[str, Any]
    removed: frozenset[str]
    cleared: bool

    def apply(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return ``data`` with the changes."""
        kept = {} if self.cleared else {k: v for k, v in data.items() if k not in self.removed}
        return kept | self.changed

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed or self.cleared)


class SessionManager:
    """Loads, saves, lists and ends the browser sessions of one app."""

    def __init__(
        self, store: SessionStore, codec: Codec, settings: Settings, csrf_cookie: CSRFCookie
    ) -> None:
        self.store = store
        self.csrf_cookie = csrf_cookie
        self.codec = codec
        self.settings = settings
        self._trouble: tuple[type[Exception], ...] = (TimeoutError, OSError, *store.errors)
        # Two, because a store can be readable and refuse to write.
        self._reading = OutageLog(logger, f"Reading the session store '{store.name}'")
        self._writing = OutageLog(logger, f"Writing to the session store '{store.name}'")

    def new(self) -> BrowserSession:
        """Return an empty session. It gets an id and a row when it has contents to store."""
        return BrowserSession(self, permanent=self.settings.permanent)

    async def open(self, sid: str) -> BrowserSession:
        """Return the session with this id, or a new session: an unknown id is never adopted.

        Raises:
            SessionUnavailableError: If the store is down.
        """
        async with self._in_time(self._reading, release=False):  # nothing is held yet
            found = await self.read(self.key(sid))
        if found is None:
            return self.new()
        loaded, data = found
        return BrowserSession(
            self, permanent=self.settings.permanent, sid=sid, loaded=loaded, data=data
        )

    async def read(self, key: str) -> tuple[Loaded, dict[str, Any]] | None:
        """Return the row and its data, if it is there, readable and not too old."""
        row = await self.store.read(key)
        if row is None:
            return None
        try:
            envelope, data = self.codec.unseal(row.payload)
        except SessionUnreadableError as error:
            logger.warning("session row ignored: %s", error)
            return None
        if self.expiry(envelope, data) <= time.time():
            return None
        return Loaded(key, envelope, row), data

    # --- saving ------------------------------------------------------------------------

    async def save(self, session: BrowserSession, *, can_set_cookie: bool) -> None:
        """Write the changes, and note in the session whether to set or delete its cookie.

        Raises:
            SessionHandshakeError: If it takes a new cookie and none can be set.
            SessionUnavailableError: If the store is down.
            SessionValueError: If a value cannot be stored.
        """
        if not (session.accessed or session.modified):
            return
        loaded = session.loaded
        if loaded is None:
            await self._save_new(session, can_set_cookie=can_set_cookie)
            return
        if session.wants_new_id and not can_set_cookie:
            raise SessionHandshakeError
        changes = self._compare(session, loaded)
        is_due = self.settings.is_due(loaded.envelope.seen, session.data)
        if not (session.wants_new_id or changes or is_due):
            return
        async with self._in_time(self._writing):
            if session.wants_new_id:
                await self._move(session, loaded, changes)
            elif changes:
                await self._merge(session, loaded, changes)
            else:
                await self._renew(session, loaded)

    async def reload(self, session: BrowserSession) -> None:
        """Read the row again, and apply the unsaved changes of this session to it.

        Raises:
            SessionUnavailableError: If the store is down.
        """
        loaded = session.loaded
        if loaded is None:
            return
        changes = self._compare(session, loaded)
        async with self._in_time(self._reading):
            found = await self.read(loaded.key)
        if found is None:
            session.reset(None, {})
        else:
            session.loaded, session.data = found[0], changes.apply(found[1])

    def _compare(self, session: BrowserSession, loaded: Loaded) -> Changes:
        """Return the changes against the row, also those deep inside a value."""
        data, codec = session.data, self.codec
        if session.cleared:
            return Changes(data, frozenset(), True)
        if codec.encode(data) == loaded.envelope.raw:
            return Changes({}, frozenset(), False)
        old = codec.decode(loaded.envelope.raw)
        changed = {
            key: value
            for key, value in data.items()
            if key not in old or not codec.same(old[key], value)
        }
        return Changes(changed, frozenset(old.keys() - data.keys()), False)

    async def _save_new(self, session: BrowserSession, *, can_set_cookie: bool) -> None:
        """Save a session that has no row: in the CSRF cookie while that holds all of it."""
        before = session.csrf_only
        if before is not None and session.data == before.data:
            if can_set_cookie and self.settings.is_due(before.issued, before.data):
                session.csrf_cookie = "set"
            return
        if before is None and session.is_empty:
            return
        if not can_set_cookie:
            raise SessionHandshakeError
        if session.is_empty:
            session.reset(None, {})
            session.csrf_only, session.csrf_cookie = None, "delete"
            return
        if self.csrf_cookie.can_hold(session.data):
            self._keep_in_csrf_cookie(session)
            return
        async with self._in_time(self._writing):
            await self._create(session, time.time())

    def _keep_in_csrf_cookie(self, session: BrowserSession) -> None:
        if session.cookie_sid is not None:
            session.cookie = "delete"
        session.reset(None, session.data)
        session.csrf_only, session.csrf_cookie = CSRFOnly(dict(session.data)), "set"

    async def _create(self, session: BrowserSession, created: float) -> None:
        envelope = Envelope(created, time.time(), self.codec.encode(session.data))
        loaded = Loaded(self.key(session.next_sid()), envelope, None)
        await self.store.create(loaded.key, self.entry(envelope, session.data))
        session.take_next_sid()
        session.cookie = "set"
        if session.csrf_only is not None:
            session.csrf_only, session.csrf_cookie = None, "delete"
        session.reset(loaded, session.data)

    async def _merge(self, session: BrowserSession, loaded: Loaded, changes: Changes) -> None:
        for attempt in range(ATTEMPTS):
            if attempt == 0 and loaded.row is not None:
                row, data = loaded, session.data
            else:
                found = await self.read(loaded.key)
                if found is None:
                    return session.reset(None, {})
                row, data = found[0], changes.apply(found[1])
            if changes.cleared and not data:
                await self.store.delete(loaded.key)
                return _end(session)
            if await self._replace(session, row, data):
                if session.is_empty:
                    await self.store.delete(loaded.key)
                    return _end(session)
                if session.permanent or session.was_permanent:
                    session.cookie = "set"
                return None
            await asyncio.sleep(random.random() * PAUSE * attempt)  # noqa: S311  # no secret
        cause = f"{ATTEMPTS} saves of one session met other writers"
        self._writing.failed(cause)
        raise SessionUnavailableError(self.store.name, cause)

    async def _move(self, session: BrowserSession, loaded: Loaded, changes: Changes) -> None:
        """Give the session a new row under a new id.

        The data moves only if the old row still exists. A missing row was signed out by another
        request, and its data must not come back under another id.
        """
        created = time.time()
        if session.cleared:
            await self.store.delete(loaded.key)
        else:
            current = await self.read(loaded.key)
            if current is None or not await self.store.delete(loaded.key):
                return session.reset(None, {})
            created = current[0].envelope.created
            session.data = changes.apply(current[1])
        if session.is_empty:
            return _end(session)
        if self.csrf_cookie.can_hold(session.data):
            return self._keep_in_csrf_cookie(session)
        return await self._create(session, created)

    async def _renew(self, session: BrowserSession, loaded: Loaded) -> None:
        """Extend the lifetime; if another request is writing, that extends it."""
        current = await self._current(loaded)
        if current and await self._replace(session, *current) and session.permanent:
            session.cookie = "set"

    async def _current(self, loaded: Loaded) -> tuple[Loaded, dict[str, Any]] | None:
        """Return row and data as they were read, or read them if this session has written."""
        if loaded.row is None:
            return await self.read(loaded.key)
        return loaded, self.codec.decode(loaded.envelope.raw)

    async def _replace(self, session: BrowserSession, loaded: Loaded, data: dict[str, Any]) -> bool:
        assert loaded.row is not None  # noqa: S101  # _current gave it
        envelope = Envelope(loaded.envelope.created, time.time(), self.codec.encode(data))
        entry = self.entry(envelope, data)
        done = await self.store.replace(loaded.key, entry, loaded.row.version)
        if done:
            session.reset(Loaded(loaded.key, envelope, None), data)
        return done

    # --- looking after them -----------------------------------------------------------

    async def find(self, owner: str) -> list[SessionInfo]:
        """Return the sessions of a user, the last used first.

        Raises:
            SessionListingError: If the store cannot look for rows.
            SessionUnavailableError: If the store is down.
        """
        async with self._in_time(self._reading):
            rows = await self.store.find(owner)
        found = []
        for key, payload in rows:
            try:
                envelope, data = self.codec.unseal(payload)
            except SessionUnreadableError:
                continue
            expires = self.expiry(envelope, data)
            if expires > time.time() and self.settings.owner(data) == owner:
                times = map(moment, (envelope.created, envelope.seen, expires))
                found.append(SessionInfo(key, *times))
        return sorted(found, key=lambda info: info.seen, reverse=True)

    async def existing(self, keys: Collection[str]) -> set[str]:
        """Return the keys of those rows that still exist, in one query."""
        async with self._in_time(self._reading):
            return await self.store.existing(keys)

    async def end(self, key: str) -> bool:
        """Delete a row; requests under way cannot bring it back."""
        async with self._in_time(self._writing):
            return await self.store.delete(key)

    def clean_up_is_due(self) -> bool:
        """Whether to clean up the store after this request; true at random, at the set rate."""
        return random.randrange(self.settings.clean_up_every) == 0  # noqa: S311  # no secret

    async def clean_up(self) -> None:
        """Remove expired rows. A failure is logged, not raised."""
        try:
            await self.store.clean_up()
        except self._trouble as error:
            logger.warning("expired sessions were not removed: %s", self.store.explain(error))

    # --- names, times, trouble --------------------------------------------------------

    def key(self, sid: str) -> str:
        """Return the name of a row, a hash: reading the store yields no usable id."""
        return self.settings.prefix + hashlib.sha256(sid.encode()).hexdigest()

    def entry(self, envelope: Envelope, data: dict[str, Any]) -> Entry:
        """Return the row for the store to write."""
        expires = self.expiry(envelope, data)
        return Entry(self.codec.seal(envelope), expires, self.settings.owner(data))

    def expiry(self, envelope: Envelope, data: Mapping[str, Any]) -> float:
        """Return the Unix time at which the session expires if it is not used again."""
        idle = envelope.seen + self.settings.lifetime(data)
        absolute = self.settings.absolute
        return idle if absolute is None else min(idle, envelope.created + absolute)

    def _in_time(self, outages: OutageLog, *, release: bool = True) -> _InTime:
        return _InTime(self, outages, release=release)

    def cause_of(self, error: Exception) -> str | None:
        """Return why the store is unavailable; None for an error of another kind."""
        if not isinstance(error, self._trouble):
            return None
        if isinstance(error, TimeoutError) and not str(error):
            return f"no answer within {self.settings.timeout:g} s (SESSION_TIMEOUT_SECONDS)"
        return self.store.explain(error)


class _InTime:
    """Limits the time of the operations in its block, and logs how the store does.

    Args:
        manager: Of the store.
        outages: The log.
        release: Whether to release a database connection of the request. The store may need
            one from the same pool, and must not wait for it while the request holds one.

    Raises:
        SessionUnavailableError: If the store is too slow or fails.
    """

    __slots__ = ("_limit", "_manager", "_outages", "_release")

    def __init__(self, manager: SessionManager, outages: OutageLog, *, release: bool) -> None:
        self._manager = manager
        self._outages = outages
        self._release = release
        self._limit = RunningTimeout(manager.settings.timeout)

    async def __aenter__(self) -> None:
        if self._release:
            await release_resources()
        await self._limit.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._limit.__aexit__(kind, error, traceback)
        except TimeoutError as late:
            error = late
        if error is None:
            self._outages.works()
        elif isinstance(error, Exception):
            cause = self._manager.cause_of(error)
            if cause is not None:
                self._outages.failed(cause)
                raise SessionUnavailableError(self._manager.store.name, cause) from error


def _end(session: BrowserSession) -> None:
    """Empty the session and delete its cookie.

    A late request whose session another request has ended keeps the cookie: the browser may
    already hold the cookie of the next session.
    """
    session.reset(None, {})
    session.cookie = "delete"
