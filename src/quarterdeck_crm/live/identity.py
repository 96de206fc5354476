"""The user of a WebSocket, and whether that user is still signed in.

A WebSocket lives for hours. Its session or token may end before it. All users connected to
this process is looked at every few seconds, in three queries however many they are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from quart import g, session
from sqlalchemy import or_, select

from quarterdeck.login import current_user
from quarterdeck.sockets import Member
from quarterdeck_crm.extensions import db, hub, sessions
from quarterdeck_crm.models import ApiToken, Scope, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.tokens.bearer import require_scope


@dataclass(frozen=True)
class LiveMember(Member):
    """A connected user, with the session or token of the handshake.

    Attributes:
        user_id: Their row.
        auth_version: As it was at the handshake.
        session_key: Of their browser session; None for a token, or a session in a cookie.
        token_id: Of their token; None for a browser.
    """

    user_id: int
    auth_version: int
    session_key: str | None = None
    token_id: int | None = None


@hub.identify
async def identify() -> LiveMember:
    """Return the user of the cookie or the token of the handshake.

    Raises:
        InsufficientScopeError: If the token is not meant for reading.
    """
    require_scope(Scope.READ)
    token: ApiToken | None = g.get("api_token")
    key = None if token else getattr(session, "key", None)
    return LiveMember(
        str(current_user.id),
        current_user.name,
        user_id=current_user.id,
        auth_version=current_user.auth_version,
        session_key=key,
        token_id=token.id if token else None,
        via=f"token:{token.id}" if token else key or "",
        may_say=token is None or token.allows(Scope.WRITE),
    )


@hub.recheck
async def find_staying(members: Sequence[LiveMember]) -> set[LiveMember]:
    """Return the members with a valid user, browser session or token."""
    versions = await _versions({member.user_id for member in members})
    tokens = await _tokens({m.token_id for m in members if m.token_id is not None})
    keys = await sessions.existing({m.session_key for m in members if m.session_key is not None})
    return {
        member
        for member in members
        if member.user_id in versions
        and (
            member.token_id in tokens
            if member.token_id is not None
            else versions[member.user_id] == member.auth_version
            and (member.session_key is None or member.session_key in keys)
        )
    }


async def _versions(ids: Collection[int]) -> dict[int, int]:
    users = select(User.id, User.auth_version).where(User.id.in_(ids), User.is_active)
    return {row.id: row.auth_version for row in await db.session.execute(users)}


async def _tokens(ids: Collection[int]) -> set[int]:
    if not ids:
        return set()
    in_time = or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > utc_now())
    return set(await db.session.scalars(select(ApiToken.id).where(ApiToken.id.in_(ids), in_time)))
