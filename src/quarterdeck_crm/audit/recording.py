"""Writing the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quart import current_app, g, has_request_context, request
from sqlalchemy import Integer, ScalarSelect, inspect, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.exceptions import DatabaseBusyError
from quarterdeck.logging import request_id
from quarterdeck.login import current_user
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import AuditAction, AuditEvent, User


async def record_audit(
    session: AsyncSession,
    action: AuditAction,
    *,
    actor: User | None = None,
    user: User | None = None,
    subject: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line to the audit log, in the transaction of the change that it tells of.

    The address, the program of the client, and the token of an API request are taken from the
    current request, if there is one.

    Args:
        session: The db session of the change.
        action: The kind of event.
        actor: The user that does it; the user of the current request if not given.
        user: The user that it is done to.
        subject: The name of what it is done to; the address of ``user`` if not given.
        detail: Further facts by name, as JSON can hold them.
    """
    actor = actor or _user_of_request()
    subject = subject or await _email(session, user)
    session.add(
        AuditEvent(
            action=action,
            actor_id=_id_of(actor),
            actor=await _email(session, actor),
            user_id=_id_of(user),
            subject=_cut(subject, AuditEvent.subject),
            detail=_token() | dict(detail or {}),
            **_origin(),
        )
    )


async def record_attempt(action: AuditAction, *, email: str, user: User | None = None) -> None:
    """Add a line about a sign-in that did not succeed, in a transaction of its own.

    The user is told the same if the database is busy: the line then goes to the log.

    Args:
        action: The kind of event.
        email: The address as it was entered.
        user: The user that has it, if any.
    """
    try:
        async with db.transaction() as session:
            await record_audit(session, action, user=user, subject=email)
    except DatabaseBusyError:
        current_app.logger.warning("The audit log is busy: %s was not written to it", action)


def _id_of(user: User | None) -> ScalarSelect[int]:
    """Return the id of a user, as SQL that is NULL if another transaction deleted the user.

    It is the same statement without a user, so that its time does not tell the two apart.
    """
    user_id = user.id if user else None
    return select(User.id).where(User.id == literal(user_id, Integer)).scalar_subquery()


async def _email(session: AsyncSession, user: User | None) -> str | None:
    """Return the address of a user, of whom a list may have loaded a few columns only."""
    if user is None:
        return None
    if "email" in user.__dict__:
        return user.email
    return await session.scalar(select(User.email).where(User.id == user.id))


def _user_of_request() -> User | None:
    if not has_request_context() or not current_user.is_authenticated:
        return None
    user: User = current_user
    return user


def _origin() -> dict[str, str | None]:
    if not has_request_context():
        return {}
    return {
        "address": _cut(request.remote_addr, AuditEvent.address),
        "user_agent": _cut(request.headers.get("User-Agent"), AuditEvent.user_agent),
        "request_id": _cut(request_id(), AuditEvent.request_id),
    }


def _token() -> dict[str, str]:
    """Return the name of the token of this request: the program that acts for the user."""
    token = g.get("api_token") if has_request_context() else None
    return {} if token is None else {"token": token.name}


def _cut(text: str | None, column: Any) -> str | None:
    """Return a text that its column can hold."""
    length = inspect(column).type.length
    return text[:length] if text else None
