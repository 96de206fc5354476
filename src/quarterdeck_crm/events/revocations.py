"""Revoke live connections at once, before the next recheck."""

from __future__ import annotations

from typing import cast

from quart import session as browser_session
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.exceptions import EventRefusedError
from quarterdeck.sqlalchemy import Session
from quarterdeck_crm.extensions import hub

RESTARTING = 1012  # a client reconnects, and is refused if it is signed out


def recheck_user(session: AsyncSession, *, user_id: int) -> None:
    """Recheck the connections and rooms of a user after the commit."""
    cast(Session, session).after_commit(lambda: hub.reconsider(str(user_id)))


async def end_this_browser(user_id: int) -> None:
    """Close the WebSockets of the browser that is signing out.

    A session in a cookie cannot be told apart from those of the user's other browsers: all
    are closed, and those that are signed in come back by themselves.
    """
    key = getattr(browser_session, "key", None)
    try:
        if key is None:
            await hub.disconnect(str(user_id), RESTARTING, via="")
        else:
            await hub.disconnect(str(user_id), via=key)
    except EventRefusedError:
        pass  # Redis is down: signing out still succeeds, and the next recheck closes them
