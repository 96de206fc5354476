"""Who somebody is, and the links that let a person set a password."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer
from quart import current_app
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.exceptions import SessionListingError
from quarterdeck.login import verify_password
from quarterdeck_crm.errors import ForbiddenError, NotFoundError, ValidationError
from quarterdeck_crm.extensions import db, login_manager, sessions
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.team.services import (
    PersonData,
    active_admins,
    create_person,
    find_by_email,
)

LINK_SECONDS = 3 * 24 * 3600


@login_manager.user_loader
async def load_person(person_id: str) -> User | None:
    """Return the person whom a browser session names."""
    return await db.session.get(User, int(person_id))


async def authenticate(session: AsyncSession, *, email: str, password: str) -> User:
    """Return the person if the password is right and they may sign in.

    The answer and its time are the same for an unknown address, a wrong password and a
    disabled person.

    Raises:
        ValidationError: Otherwise.
    """
    person = await find_by_email(session, email)
    right = await verify_password(person.password_hash if person else None, password)
    if person is None or not right or not person.is_active:
        raise ValidationError({"": ["The e-mail address or the password is wrong."]})
    return person


async def note_sign_in(session: AsyncSession, *, person: User) -> None:
    """Remember when a person last signed in."""
    person.last_seen_at = utc_now()
    await session.flush()


async def register_person(
    session: AsyncSession, *, email: str, name: str, password_hash: str
) -> User:
    """Add the person who asks for it.

    The address in ``CRM_ADMIN`` becomes the first administrator, also where registration is
    closed; once there is an administrator it is an address like any other.

    Raises:
        ForbiddenError: If registration is closed.
        ValidationError: If an entry is not acceptable.
    """
    first = await _is_first_admin(session, email)
    if not first and not current_app.config["REGISTRATION_OPEN"]:
        raise ForbiddenError("Registration is closed. Ask an administrator to invite you.")
    role = Role.ADMIN if first else Role.USER
    data = PersonData(email=email, name=name, role=role)
    return await create_person(session, data=data, password_hash=password_hash)


async def registration_open(session: AsyncSession) -> bool:
    """Whether the registration page has a purpose now."""
    if current_app.config["REGISTRATION_OPEN"]:
        return True
    return bool(current_app.config["ADMIN"]) and not await active_admins(session)


async def delete_browser_sessions(person: User) -> int:
    """Delete the browser sessions of a person from their store, and say how many there were.

    Where the store cannot list them they stay, worth nothing after ``end_sessions``.
    """
    try:
        return await sessions.end(person.id)
    except SessionListingError:
        return 0


async def check_current_password(person: User, password: str) -> None:
    """Make sure that somebody is the person and not just at their desk.

    Raises:
        ValidationError: If the password is not theirs.
    """
    if not await verify_password(person.password_hash, password):
        raise ValidationError({"current": ["This is not your current password."]})


def make_link_token(person: User) -> str:
    """Return a token that lets its holder set the person's password, once, within three days.

    It names the sign-in version, which the new password raises: so it works once, and
    every link given before is dead as soon as one is used.
    """
    return _signer().dumps([person.id, person.auth_version])


async def open_link(session: AsyncSession, token: str) -> User:
    """Return the person whose password the token lets its holder set.

    Raises:
        NotFoundError: If it is forged, too old, used, or the person is disabled.
    """
    try:
        person_id, version = _signer().loads(token, max_age=LINK_SECONDS)
    except BadSignature:
        person = None
    else:
        person = await session.get(User, person_id)
        person = person if person and person.is_active and person.auth_version == version else None
    if person is None:
        raise NotFoundError("This link is used up or too old. Ask an administrator for a new one.")
    return person


async def _is_first_admin(session: AsyncSession, email: str) -> bool:
    admin = current_app.config["ADMIN"]
    return (
        bool(admin)
        and email.strip().lower() == admin.strip().lower()
        and not await active_admins(session)
    )


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="set-password")
