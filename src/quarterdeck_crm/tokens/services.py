"""Rules and queries of tokens. A token is told once, when it is made; only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck.babel import gettext as _
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.cache.entries import version_column
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.events.revocations import recheck_user
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import ApiToken, AuditAction, Scope, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.validation import Problems

PREFIX = "qd_"  # so that users, and programs that look for leaked secrets, know what it is
GONE = _l("There is no such token. It may have been revoked.")
HINT_LENGTH = len(PREFIX) + 4
MAX_DAYS = 3650
USE_NOTED_AFTER = timedelta(minutes=1)  # so that not every request writes

# Built once, because every request of a program needs it.
_BY_DIGEST = (
    select(ApiToken, version_column())
    .where(ApiToken.digest == bindparam("digest"))
    .options(joinedload(ApiToken.user, innerjoin=True))
)


async def create_token(
    session: AsyncSession,
    *,
    user: User,
    name: str,
    scopes: Collection[Scope] = tuple(Scope),
    days: int | None = None,
) -> tuple[ApiToken, str]:
    """Create a token for a user.

    Args:
        session: The db session.
        user: Whoever holds the token acts as this user, within the scopes.
        name: The purpose of the token.
        scopes: Its permitted uses.
        days: How long it lives; None is until it is revoked.

    Returns:
        The row, and the token itself, which cannot be found out later.

    Raises:
        ConflictError: If the user is disabled.
        ValidationError: If a value cannot be accepted.
    """
    cleaned = check_token(name=name, scopes=scopes, days=days)
    # Locked, so that disabling the user waits for this token and then revokes it.
    active = select(User.is_active).where(User.id == user.id).with_for_update(read=True)
    if not await session.scalar(active):
        raise ConflictError(_("%(name)s is disabled. Enable this user first.", name=user.name))
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user_id=user.id,
        digest=_digest(secret),
        hint=secret[:HINT_LENGTH],
        scopes=" ".join(scope for scope in Scope if scope in scopes),
        expires_at=None if days is None else utc_now() + timedelta(days=days),
        **cleaned,
    )
    session.add(token)
    await session.flush()
    detail = {"name": token.name, "scopes": token.scopes}
    await record_audit(session, AuditAction.TOKEN_CREATED, user=user, detail=detail)
    return token, secret


def check_token(*, name: str, scopes: Collection[Scope], days: int | None) -> dict[str, Any]:
    """Return the columns that a token is named by.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    cleaned = problems.clean(ApiToken, {"name": name}, fields=("name",), complete=True)
    if not scopes:
        problems.add("scopes", _("Choose what the token may be used for."))
    if days is not None and not 1 <= days <= MAX_DAYS:
        problems.add("days", _("Enter a number of days from 1 to %(max_days)s.", max_days=MAX_DAYS))
    problems.raise_if_any()
    return cleaned


async def list_tokens(session: AsyncSession, *, user: User | None = None) -> Sequence[ApiToken]:
    """Return the tokens of a user, or of everybody, newest first, with their users."""
    statement = select(ApiToken).order_by(ApiToken.id.desc()).options(joinedload(ApiToken.user))
    if user is not None:
        statement = statement.where(ApiToken.user_id == user.id)
    return (await session.scalars(statement)).all()


async def find_token(
    session: AsyncSession, secret: str
) -> tuple[ApiToken, str | None] | tuple[None, None]:
    """Return the token with its user, and the version of the cache; None if it is not valid.

    A token ends when it is revoked or expires, and is dead while its user is disabled.
    """
    found = (await session.execute(_BY_DIGEST, {"digest": _digest(secret)})).one_or_none()
    if found is None or not found[0].user.is_active or is_expired(found[0]):
        return None, None
    return found[0], found[1]


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
    session: AsyncSession, *, token_id: int, user: User | None = None
) -> ApiToken:
    """End a token at once and for good.

    Args:
        session: The db session.
        token_id: Which.
        user: The required owner; None is the system, which may end any.

    Raises:
        NotFoundError: If the user has none of that id.
    """
    token = await session.get(ApiToken, token_id)
    if token is None or (user is not None and token.user_id != user.id):
        raise NotFoundError(GONE)
    if not await changes_one(session, delete(ApiToken).where(ApiToken.id == token.id)):
        raise NotFoundError(GONE)
    owner = await session.get_one(User, token.user_id)
    await record_audit(session, AuditAction.TOKEN_REVOKED, user=owner, detail={"name": token.name})
    recheck_user(session, user_id=token.user_id)
    return token


async def revoke_tokens(session: AsyncSession, *, user: User) -> None:
    """Revoke all tokens of a user: the account was disabled, or its password was lost."""
    names = list(await session.scalars(select(ApiToken.name).where(ApiToken.user_id == user.id)))
    await session.execute(delete(ApiToken).where(ApiToken.user_id == user.id))
    for name in names:
        await record_audit(session, AuditAction.TOKEN_REVOKED, user=user, detail={"name": name})
    recheck_user(session, user_id=user.id)


def _digest(secret: str) -> str:
    """Return the stored hash. A plain one is enough for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
