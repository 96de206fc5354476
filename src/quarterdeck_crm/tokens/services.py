"""Rules and queries of tokens. A token is told once, when it is made; only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.errors import NotFoundError, ValidationError
from quarterdeck_crm.live.endings import look_again
from quarterdeck_crm.models import ApiToken, Scope, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.values import clean

PREFIX = "qd_"  # so that people, and programs that look for leaked secrets, know what it is
HINT_LENGTH = len(PREFIX) + 4
MOST_DAYS = 3650
USE_NOTED_AFTER = timedelta(minutes=1)  # so that not every request writes


async def create_token(
    session: AsyncSession,
    *,
    person: User,
    name: str,
    scopes: Collection[Scope] = tuple(Scope),
    days: int | None = None,
) -> tuple[ApiToken, str]:
    """Make a token for a person.

    Args:
        session: The db session.
        person: Whoever holds the token acts as this person, within the scopes.
        name: What the token is for.
        scopes: What it may be used for.
        days: How long it lives; None is until it is revoked.

    Returns:
        The row, and the token itself, which cannot be found out later.

    Raises:
        ValidationError: If a value cannot be accepted.
    """
    cleaned = clean(ApiToken, {"name": name}, fields=("name",), complete=True)
    if not scopes:
        raise ValidationError({"scopes": ["Choose what the token may be used for."]})
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise ValidationError({"days": [f"Enter a number of days from 1 to {MOST_DAYS}."]})
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user_id=person.id,
        digest=_digest(secret),
        hint=secret[:HINT_LENGTH],
        scopes=" ".join(scope for scope in Scope if scope in scopes),
        expires_at=None if days is None else utc_now() + timedelta(days=days),
        **cleaned,
    )
    session.add(token)
    await session.flush()
    return token, secret


async def list_tokens(session: AsyncSession, *, person: User | None = None) -> Sequence[ApiToken]:
    """Return the tokens of a person, or of everybody, newest first, with their persons."""
    statement = select(ApiToken).order_by(ApiToken.id.desc()).options(joinedload(ApiToken.person))
    if person is not None:
        statement = statement.where(ApiToken.user_id == person.id)
    return (await session.scalars(statement)).all()


async def find_token(session: AsyncSession, secret: str) -> ApiToken | None:
    """Return the token if it is one of ours and still valid, with its person.

    A token ends when it is revoked or expires, and is dead while its person is disabled.
    """
    statement = (
        select(ApiToken)
        .where(ApiToken.digest == _digest(secret))
        .options(joinedload(ApiToken.person, innerjoin=True))
    )
    token = await session.scalar(statement)
    if token is None or not token.person.is_active or is_expired(token):
        return None
    return token


def is_expired(token: ApiToken, now: datetime | None = None) -> bool:
    """Whether the token has come to its end."""
    return token.expires_at is not None and token.expires_at <= (now or utc_now())


def is_use_worth_noting(token: ApiToken) -> bool:
    """Whether the last use that was noted is some time ago."""
    return token.last_used_at is None or utc_now() - token.last_used_at > USE_NOTED_AFTER


async def note_use(session: AsyncSession, *, token: ApiToken) -> None:
    """Remember that a token was used just now."""
    used = update(ApiToken).where(ApiToken.id == token.id).values(last_used_at=utc_now())
    await session.execute(used)


async def revoke_token(
    session: AsyncSession, *, token_id: int, person: User | None = None
) -> ApiToken:
    """End a token at once and for good.

    Args:
        session: The db session.
        token_id: Which.
        person: Whose it must be; None is the system, which may end any.

    Raises:
        NotFoundError: If the person has none of that id.
    """
    token = await session.get(ApiToken, token_id)
    if token is None or (person is not None and token.user_id != person.id):
        raise NotFoundError("There is no such token. It may have been revoked.")
    await session.delete(token)
    await session.flush()
    look_again(session, person_id=token.user_id)
    return token


def _digest(secret: str) -> str:
    """A plain hash is enough: nobody can try out 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
