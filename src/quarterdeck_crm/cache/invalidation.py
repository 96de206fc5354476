"""The version changes in the transaction of each change to a cached row.

Every flush of the ORM is followed. Code that writes such rows with ``update()`` or ``delete()``
calls ``invalidate``.
"""

from __future__ import annotations

import secrets
from typing import Any

from quart import g, has_request_context
from sqlalchemy import event, inspect, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from quarterdeck_crm.models import CustomField, SavedView, Tag, User

CACHED = (CustomField, SavedView, Tag)
CACHED_OF_USERS = ("name", "is_active")
_CHANGED = "quarterdeck_crm.cache_changed"
# Both databases have this statement, though not the standard.
_REPLACE = text("REPLACE INTO cache_version (id, word) VALUES (1, :word)")


def invalidate(session: AsyncSession) -> None:
    """Note that the transaction changes cached rows."""
    _note(session.sync_session)


def _note(session: Session) -> None:
    session.info[_CHANGED] = True
    if has_request_context():
        g.cache_version = None  # the rest of the request reads its own changes


@event.listens_for(Session, "before_flush")
def _follow(session: Session, _context: Any, _instances: Any) -> None:
    if any(_is_cached(row) for row in (*session.new, *session.dirty, *session.deleted)):
        _note(session)


def _is_cached(row: Any) -> bool:
    if not isinstance(row, User):
        return isinstance(row, CACHED)
    state = inspect(row)
    return not state.persistent or any(
        state.attrs[name].history.has_changes() for name in CACHED_OF_USERS
    )


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    if session.info.pop(_CHANGED, False):
        session.connection().execute(_REPLACE, {"word": secrets.token_hex(8)})


@event.listens_for(Session, "after_transaction_end")
def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_CHANGED, None)
