"""Signing in, registering, and the browser sessions of a user."""

from __future__ import annotations

from quart import current_app
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.exceptions import SessionListingError
from quarterdeck.login import verify_password
from quarterdeck_crm.audit.recording import record_attempt, record_audit
from quarterdeck_crm.deals.stages import make_first_stages
from quarterdeck_crm.errors import ForbiddenError, ValidationError
from quarterdeck_crm.extensions import db, sessions
from quarterdeck_crm.mail.users import mail_reset
from quarterdeck_crm.models import AuditAction, Role, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.team.checks import UserData, check_new_password, check_user
from quarterdeck_crm.team.links import mailed_link
from quarterdeck_crm.team.services import active_admins, create_user, find_by_email
from quarterdeck_crm.validation import Problems
from quarterdeck_crm.validation.addresses import fold_address


async def authenticate(session: AsyncSession, *, email: str, password: str) -> User:
    """Return the user if the password is right and they may sign in.

    The answer and its time are the same for an unknown address, a wrong password and a
    disabled user.

    Raises:
        ValidationError: Otherwise.
    """
    user = await find_by_email(session, email)
    right = await verify_password(user.password_hash if user else None, password)
    if user is None or not right or not user.is_active:
        await record_attempt(AuditAction.SIGN_IN_FAILED, email=email, user=user)
        raise ValidationError({"": [_("The e-mail address or the password is wrong.")]})
    return user


async def note_sign_in(session: AsyncSession, *, user: User) -> None:
    """Remember when a user last signed in."""
    user.last_seen_at = utc_now()
    await record_audit(session, AuditAction.SIGNED_IN, actor=user, user=user)
    await session.flush()


async def role_of_newcomer(session: AsyncSession, *, email: str) -> Role:
    """Return the role with which an address may register.

    The address in ``CRM_ADMIN`` becomes the first administrator, also where registration is
    closed; once there is an administrator it is an address like any other.

    Raises:
        ForbiddenError: If registration is closed.
    """
    if await _is_first_admin(session, email):
        return Role.ADMIN
    if not current_app.config["REGISTRATION_OPEN"]:
        raise ForbiddenError(_("Registration is closed. Ask an administrator to invite you."))
    return Role.USER


async def register_user(
    session: AsyncSession, *, email: str, name: str, password_hash: str
) -> User:
    """Add a user that registers; the first administrator gets the usual stages of deals.

    Raises:
        ForbiddenError: If registration is closed.
        ValidationError: If an entry is not acceptable.
    """
    role = await role_of_newcomer(session, email=email)
    data = UserData(email=email, name=name, role=role)
    user = await create_user(session, data=data, password_hash=password_hash)
    await make_first_stages(session, user=user)
    await record_audit(session, AuditAction.REGISTERED, actor=user, user=user)
    return user


async def mail_reset_link(email: str) -> None:
    """Mail a link for a new password, if an active user has this address."""
    async with db.transaction() as session:
        user = await find_by_email(session, email)
        if user is not None and user.is_active:
            detail = {"sent": "by mail, as the user asked"}
            await record_audit(session, AuditAction.PASSWORD_LINK_MADE, user=user, detail=detail)
            await mail_reset(session, user=user, url=mailed_link(user))


async def check_registration(
    session: AsyncSession, *, email: str, name: str, password: str
) -> None:
    """Check the entries of a user that registers, before the password is hashed.

    Raises:
        ValidationError: With the problems of all entries at once.
    """
    problems = Problems()
    with problems.collected():
        await check_user(session, data=UserData(email=email, name=name))
    with problems.collected():
        await check_new_password(password, email=email, name=name)
    problems.raise_if_any()


async def registration_open(session: AsyncSession) -> bool:
    """Whether the registration page has a purpose now."""
    if current_app.config["REGISTRATION_OPEN"]:
        return True
    return bool(current_app.config["ADMIN"]) and not await active_admins(session)


async def delete_browser_sessions(user: User) -> int:
    """Delete the browser sessions of a user from their store, and say how many there were.

    Where the store cannot list them they stay, worth nothing after ``end_sessions``.
    """
    try:
        return await sessions.end(user.id)
    except SessionListingError:
        return 0


async def check_password_change(user: User, *, current: str, new: str) -> None:
    """Check the current password again before a sensitive change, and the new one.

    Raises:
        ValidationError: If the current password is not theirs or the new one is refused.
    """
    problems = Problems()
    if not await verify_password(user.password_hash, current):
        problems.add("current", _("This is not your current password."))
    with problems.collected():
        await check_new_password(new, email=user.email, name=user.name)
    problems.raise_if_any()


async def _is_first_admin(session: AsyncSession, email: str) -> bool:
    admin = current_app.config["ADMIN"]
    return (
        bool(admin)
        and fold_address(email) == fold_address(admin)
        and not await active_admins(session)
    )
