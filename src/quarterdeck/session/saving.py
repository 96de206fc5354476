"""How a session is saved: compare-and-set, and merge when another request was faster.

If the row was changed meanwhile it is read again, and the keys that this request changed
are put onto it, so neither request loses anything. A row that is gone was deleted on
purpose: what a late request had to add is dropped with it.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from quarterdeck.exceptions import SessionHandshakeError, SessionUnavailableError

from .browser import BrowserSession, Loaded
from .codec import Envelope

if TYPE_CHECKING:
    from .keeper import Keeper

ATTEMPTS = 30
PAUSE = 0.01  # seconds, times the number of attempts


@dataclass(frozen=True, slots=True)
class Changes:
    """What one request did to a session."""

    changed: dict[str, Any]
    removed: frozenset[str]
    cleared: bool

    def apply(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return ``data`` with the changes."""
        kept = {} if self.cleared else {k: v for k, v in data.items() if k not in self.removed}
        return kept | self.changed

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed or self.cleared)


async def save(keeper: Keeper, session: BrowserSession, *, can_set_cookie: bool) -> None:
    """Write what has to be written, and note in the session what its cookie needs.

    Raises:
        SessionHandshakeError: If it takes a new cookie and none can be set.
        SessionUnavailableError: If the store is down.
        SessionValueError: If a value cannot be stored.
    """
    if not (session.accessed or session.modified):
        return
    loaded = session.loaded
    if loaded is None and session.is_empty:
        return
    if not can_set_cookie and (loaded is None or session.wants_new_id):
        raise SessionHandshakeError
    if loaded is None:
        async with keeper.in_time():
            await _create(keeper, session, time.time())
        return
    changes = _compare(keeper, session, loaded)
    async with keeper.in_time():
        if session.wants_new_id:
            await _move(keeper, session, loaded, changes)
        elif changes:
            await _merge(keeper, session, loaded, changes)
        elif keeper.is_due(loaded.envelope):
            await _renew(keeper, session, loaded)


async def reload(keeper: Keeper, session: BrowserSession) -> None:
    """Take over what others have written, under what this session has changed itself.

    Raises:
        SessionUnavailableError: If the store is down.
    """
    loaded = session.loaded
    if loaded is None:
        return
    changes = _compare(keeper, session, loaded)
    async with keeper.in_time():
        found = await keeper.read(loaded.key)
    if found is None:
        session.reset(None, {})
    else:
        session.loaded, session.data = found[0], changes.apply(found[1])


def _compare(keeper: Keeper, session: BrowserSession, loaded: Loaded) -> Changes:
    """Find the changes by comparing with the row: so one deep inside a value counts too."""
    data, codec = session.data, keeper.codec
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


async def _create(keeper: Keeper, session: BrowserSession, created: float) -> None:
    sid = secrets.token_urlsafe(keeper.settings.id_length)
    envelope = Envelope(created, time.time(), keeper.codec.encode(session.data))
    loaded = Loaded(keeper.key(sid), envelope, None)
    await keeper.store.create(loaded.key, keeper.entry(envelope, session.data))
    session.sid, session.cookie = sid, "set"
    session.reset(loaded, session.data)


async def _merge(keeper: Keeper, session: BrowserSession, loaded: Loaded, changes: Changes) -> None:
    for attempt in range(ATTEMPTS):
        current = await _current(keeper, loaded, fresh=attempt > 0)
        if current is None:
            return session.reset(None, {})
        data = changes.apply(current[1])
        if changes.cleared and not data:
            await keeper.store.delete(loaded.key)
            return _end(session)
        if await _replace(keeper, session, current[0], data):
            if session.is_empty:
                await keeper.store.delete(loaded.key)
                return _end(session)
            if session.permanent or session.was_permanent:
                session.cookie = "set"
            return None
        await asyncio.sleep(random.random() * PAUSE * attempt)  # noqa: S311  # no secret
    raise SessionUnavailableError(keeper.store.name, f"{ATTEMPTS} saves met other writers")


async def _move(keeper: Keeper, session: BrowserSession, loaded: Loaded, changes: Changes) -> None:
    """Give the session a new row under a new id.

    What is carried over from the old row moves only if that row is still there: else it was
    signed out meanwhile, and must not come back under another name.
    """
    created = time.time()
    if session.cleared:
        await keeper.store.delete(loaded.key)
    else:
        current = await _current(keeper, loaded, fresh=True)
        if current is None or not await keeper.store.delete(loaded.key):
            return session.reset(None, {})
        created = current[0].envelope.created
        session.data = changes.apply(current[1])
    if session.is_empty:
        return _end(session)
    return await _create(keeper, session, created)


async def _renew(keeper: Keeper, session: BrowserSession, loaded: Loaded) -> None:
    """Extend the lifetime; if another request is writing, that extends it."""
    current = await _current(keeper, loaded, fresh=False)
    if current and await _replace(keeper, session, *current) and session.permanent:
        session.cookie = "set"


async def _current(
    keeper: Keeper, loaded: Loaded, *, fresh: bool
) -> tuple[Loaded, dict[str, Any]] | None:
    """Return row and data as last seen, or as they are now."""
    if fresh or loaded.row is None:
        return await keeper.read(loaded.key)
    return loaded, keeper.codec.decode(loaded.envelope.raw)


async def _replace(
    keeper: Keeper, session: BrowserSession, loaded: Loaded, data: dict[str, Any]
) -> bool:
    assert loaded.row is not None  # noqa: S101  # _current gave it
    envelope = Envelope(loaded.envelope.created, time.time(), keeper.codec.encode(data))
    entry = keeper.entry(envelope, data)
    done = await keeper.store.replace(loaded.key, entry, loaded.row.version)
    if done:
        session.reset(replace(loaded, envelope=envelope, row=None), data)
    return done


def _end(session: BrowserSession) -> None:
    """Take the cookie back too. (Not from a late request whose session was ended elsewhere:
    the browser may hold the next cookie already.)
    """
    session.reset(None, {})
    session.cookie = "delete"
