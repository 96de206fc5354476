"""The user of a request: read with the browser session where both are in the database."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from quart import session
from sqlalchemy import BindParameter, Integer, Select, Table, bindparam, cast, inspect, select

from quarterdeck.session import Row
from quarterdeck_crm.cache.entries import use_version, version_column
from quarterdeck_crm.extensions import db, login_manager
from quarterdeck_crm.models import User
from quarterdeck_crm.notifications.services import unread_of

if TYPE_CHECKING:
    from quart import Quart

# Built once, because every request of a browser needs it.
_USER = select(User, unread_of(bindparam("user_id")), version_column()).where(
    User.id == bindparam("user_id")
)


def keep_sessions_in_database(app: Quart) -> None:
    """Let the session store use the database of the CRM, if the app names no other."""
    if app.config.get("SESSION_SQLALCHEMY") is None:
        app.config["SESSION_SQLALCHEMY"] = lambda: db.engine
        app.config["SESSION_SQLALCHEMY_READ"] = read_with_user


@login_manager.user_loader
async def load_user(user_id: str) -> User | None:
    """Return the user of a browser session, with the number of unread notifications."""
    found: Any = _read_with_session(int(user_id))
    if found is None:
        found = (await db.session.execute(_USER, {"user_id": int(user_id)})).one_or_none()
    if found is None:
        return None
    user: User
    user, unread, version = found
    user.unread_notifications = unread
    use_version(version)
    return user


async def read_with_user(table: Table, key: str) -> Row | None:
    """Return a browser session and its user, for ``SESSION_SQLALCHEMY_READ``."""
    reading = db.new_session()  # 'db.session' begins with the request, which is later
    try:
        found = (await reading.execute(_both(table), {"key": key})).one_or_none()
    finally:
        await reading.close()
    if found is None:
        return None
    payload, version, *extra = found
    return Row(payload, version, extra)


def _read_with_session(user_id: int) -> Any:
    """Return the user that was read with the browser session, now of ``db.session``.

    None if another one was, or none; or if ``db.session`` has read the same user already.
    """
    extra = session.take_extra()  # type: ignore[attr-defined]  # Quart knows its own kind only
    user = extra[0] if extra else None
    if user is None or user.id != user_id or inspect(user).key in db.session.identity_map:
        return None
    db.session.add(user)
    return extra


@functools.cache
def _both(table: Table) -> Select[Any]:
    row = table.c
    key: BindParameter[str] = bindparam("key")
    owner = cast(row.owner, Integer)
    # A derived table cannot refer to the tables around it, so that it looks for the owner itself.
    unread = unread_of(select(owner).where(row.key == key).scalar_subquery())
    return (
        select(row.payload, row.version, User, unread, version_column())
        .outerjoin(User, User.id == owner)
        .where(row.key == key)
    )
