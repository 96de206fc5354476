"""Telling the hub that somebody may no longer stay, so that nobody waits for the next check."""

from __future__ import annotations

from typing import cast

from quart import session as browser_session
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.exceptions import EventRefusedError
from quarterdeck.sqlalchemy import Session
from quarterdeck_crm.extensions import hub

RESTARTING = 1012  # to a client: come back, and you will be told


def look_again(session: AsyncSession, *, person_id: int) -> None:
    """Ask, once this is committed, whether a person may stay, and in which rooms."""
    cast(Session, session).after_commit(lambda: hub.reconsider(str(person_id)))


async def end_this_browser(person_id: int) -> None:
    """Close the WebSockets of the browser that is signing out.

    A session in a cookie cannot be told apart from those of the person's other browsers: all
    are closed, and those that are signed in come back by themselves.
    """
    key = getattr(browser_session, "key", None)
    try:
        if key is None:
            await hub.disconnect(str(person_id), RESTARTING, via="")
        else:
            await hub.disconnect(str(person_id), via=key)
    except EventRefusedError:
        pass  # Redis is away: the next check ends them, and nobody has to stay signed in for it
