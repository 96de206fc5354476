"""The rules for users: creating, changing, disabling and deleting them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quart import current_app
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.cache.invalidation import invalidate
from quarterdeck_crm.errors import ConflictError, NotFoundError, ValidationError
from quarterdeck_crm.events.announcements import announce_user
from quarterdeck_crm.events.revocations import recheck_user
from quarterdeck_crm.listing import Listing, paginate
from quarterdeck_crm.models import AuditAction, Role, User, UserKind
from quarterdeck_crm.models.collation import sort_key
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.saved_views.services import list_shared_names
from quarterdeck_crm.search.conditions import ordering
from quarterdeck_crm.tokens.services import revoke_tokens
from quarterdeck_crm.validation.addresses import address_key, fold_address

from .checks import LAST_ADMIN, TAKEN, UserData, check_profile, check_user, is_last_admin
from .phones import normalize_phone

SHOWN_VIEWS = 5  # of those that keep a user from being deleted
NO_PASSWORD = "none"  # noqa: S105 - no hash, so no password matches it

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "name": User.name_key,
    "email": User.email,
    "role": User.role,
    "department": User.department_key,
    "created": User.created_at,
}
FILTERS = ("role", "kind", "state")
AUDITED = ("email", "role")  # a change of these is in the audit log


async def list_users(session: AsyncSession, *, listing: Listing) -> Pagination[User]:
    """Return a page of the team, searched by name, address, department and phone."""
    statement = select(User).where(*_conditions(listing))
    by = ordering(listing, SORTS[listing.sort], User.id)
    return await paginate(session, statement, listing, by=by)


def _conditions(listing: Listing) -> Iterator[ColumnElement[bool]]:
    if listing.q:
        key = sort_key(listing.q, len(listing.q))
        keys = [c.contains(key, autoescape=True) for c in (User.name_key, User.department_key)]
        words = {listing.q, _as_phone(listing.q)}
        texts = [c.icontains(w, autoescape=True) for c in (User.email, User.phone) for w in words]
        yield or_(*keys, *texts)
    if (role := listing.filters.get("role")) in list(Role):
        yield User.role == role
    if (kind := listing.filters.get("kind")) in list(UserKind):
        yield User.kind == kind
    if (state := listing.filters.get("state")) in {"active", "disabled"}:
        yield User.is_active == (state == "active")


async def all_users(session: AsyncSession) -> Sequence[User]:
    """Return everybody, by address."""
    return (await session.scalars(select(User).order_by(User.email))).all()


async def get_user(session: AsyncSession, user_id: int) -> User:
    """Return a user.

    Raises:
        NotFoundError: If there is none with that id.
    """
    user = await session.get(User, user_id)
    if user is None:
        raise NotFoundError(_("There is no such user in the team."))
    return user


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """Return the user with an address, however it is written."""
    return await session.scalar(select(User).where(User.email == fold_address(email)))


async def users_with_clashes(session: AsyncSession) -> list[User]:
    """Return the users whose address looks like another one; the migrations leave such users."""
    return [
        user
        for user in await all_users(session)
        if user.email_key != address_key(user.email) or user.email != fold_address(user.email)
    ]


async def find_by_phone(session: AsyncSession, number: str) -> User:
    """Return the user with a phone number, the longest-serving one if several share it.

    Raises:
        NotFoundError: If no user has it.
    """
    user = await session.scalar(select(User).where(User.phone == number).order_by(User.id))
    if user is None:
        raise NotFoundError(_("Nobody in the team has the phone number %(number)s.", number=number))
    return user


async def create_user(
    session: AsyncSession, *, data: UserData, password_hash: str = NO_PASSWORD
) -> User:
    """Add a user; without a password they cannot sign in until a link has set one.

    Raises:
        ValidationError: If an entry is not acceptable, or the address is taken.
    """
    values = await check_user(session, data=data)
    user = User(**values, password_hash=password_hash, is_active=True, auth_version=1)
    session.add(user)
    await _flush_unique(session)
    await record_audit(session, AuditAction.USER_CREATED, user=user, detail={"role": user.role})
    announce_user(session, user, action="created")
    return user


async def edit_user(session: AsyncSession, *, user: User, data: UserData) -> None:
    """Change the data of a user.

    Raises:
        ValidationError: If a value is not valid, the address is taken, or no administrator would
            administer the team any more.
    """
    values = await check_user(session, data=data, user=user)
    changes = {
        name: [getattr(user, name), values[name]]
        for name in AUDITED
        if values[name] != getattr(user, name)
    }
    for name, value in values.items():
        setattr(user, name, value)
    await _flush_unique(session)
    if changes:
        await record_audit(session, AuditAction.USER_CHANGED, user=user, detail=changes)
    recheck_user(session, user_id=user.id)
    announce_user(session, user, action="changed")


async def edit_own(
    session: AsyncSession,
    *,
    user: User,
    name: str,
    phone: str | None,
    zone: str | None,
    language: str | None = None,
    **wanted_mail: Any,
) -> None:
    """Change the profile of the user itself.

    Args:
        session: The db session.
        user: The user.
        name: The new name.
        phone: The new phone number.
        zone: The time zone of dates and times; None is UTC.
        language: Of the pages and mails; None is that of the browser.
        **wanted_mail: ``notices``, ``daily_summary`` and ``mails_notifications``; those not given
            stay.

    Raises:
        ValidationError: If an entry is not acceptable.
    """
    if language is not None and language not in current_app.config["LANGUAGES"]:
        raise ValidationError({"language": [_("Choose a language from the list.")]})
    checked = check_profile(name=name, phone=phone, zone=zone)
    for key, value in (checked | wanted_mail | {"language": language}).items():
        setattr(user, key, value)
    await session.flush()
    announce_user(session, user, action="changed")


async def set_password(
    session: AsyncSession, *, user: User, password_hash: str, keep_tokens: bool = False
) -> None:
    """Store a password, end all browser sessions of its user, and revoke the API tokens.

    Args:
        session: The db session.
        user: As read before the password was checked or the link was opened.
        password_hash: The hash of the new password.
        keep_tokens: Whether the API tokens stay valid.

    Raises:
        ConflictError: If a concurrent request changed the password or disabled the user.
    """
    unchanged = (User.auth_version == user.auth_version, User.is_active == user.is_active)
    if not await _raise_version(session, user, *unchanged, password_hash=password_hash):
        raise ConflictError(_("The password was changed at the same moment. Try again."))
    await record_audit(session, AuditAction.PASSWORD_CHANGED, user=user)
    if not keep_tokens:
        await revoke_tokens(session, user=user)


async def disable_user(session: AsyncSession, *, user: User, actor: User | None) -> None:
    """Shut a user out, at once and everywhere; nothing of theirs is lost.

    Raises:
        ConflictError: If it is the actor, or the last active administrator.
    """
    _not_oneself(user, actor, _("You cannot disable yourself. Ask another administrator."))
    await _refuse_last_admin(session, user)
    await _raise_version(session, user, is_active=False, calendar_digest=None)
    await record_audit(session, AuditAction.USER_DISABLED, actor=actor, user=user)
    await revoke_tokens(session, user=user)
    announce_user(session, user, action="disabled")


async def enable_user(session: AsyncSession, *, user: User) -> None:
    """Let a disabled user in again, with the password they had."""
    user.is_active = True
    await record_audit(session, AuditAction.USER_ENABLED, user=user)
    await session.flush()
    announce_user(session, user, action="enabled")


async def delete_user(session: AsyncSession, *, user: User, actor: User | None) -> None:
    """Delete a user without any rows of their own.

    Raises:
        ConflictError: If anything refers to them, they share views, or they are the actor or the
            last active administrator.
    """
    _not_oneself(user, actor, _("You cannot delete yourself. Ask another administrator."))
    await _refuse_last_admin(session, user)
    name, email = user.name, user.email
    if views := await list_shared_names(session, owner=user, limit=SHOWN_VIEWS):
        raise ConflictError(
            _(
                "%(name)s shares views with the team: %(views)s. Delete them first, or disable "
                "this user instead.",
                name=name,
                views=", ".join(views),
            )
        )
    recheck_user(session, user_id=user.id)
    invalidate(session)
    try:
        is_deleted = await changes_one(session, delete(User).where(User.id == user.id))
    except IntegrityError:
        # The foreign keys know best what refers to a user, now and in later versions.
        raise ConflictError(
            _(
                "%(name)s has accounts, orders, notes or history. Disable this user instead.",
                name=name,
            )
        ) from None
    if not is_deleted:
        raise NotFoundError(_("There is no such user in the team."))
    await record_audit(session, AuditAction.USER_DELETED, actor=actor, subject=email)
    announce_user(session, user, action="deleted")


async def end_sessions(session: AsyncSession, *, user: User) -> None:
    """End each browser session of a user at its next request, and each WebSocket at once."""
    await _raise_version(session, user)
    await record_audit(session, AuditAction.SIGNED_OUT_EVERYWHERE, user=user)


async def _raise_version(
    session: AsyncSession, user: User, *conditions: ColumnElement[bool], **values: Any
) -> bool:
    """Raise the sign-in version and set ``values`` if the conditions hold in the database."""
    statement = (
        update(User)
        .where(User.id == user.id, *conditions)
        .values(auth_version=User.auth_version + 1, **values)
        .execution_options(synchronize_session=False)
    )
    if not await changes_one(session, statement):
        return False
    invalidate(session)
    await session.refresh(user)
    recheck_user(session, user_id=user.id)
    return True


async def active_admins(session: AsyncSession) -> int:
    """Return how many users can administer the team now."""
    statement = select(func.count()).where(User.role == Role.ADMIN, User.is_active)
    return await session.scalar(statement) or 0


async def _refuse_last_admin(session: AsyncSession, user: User) -> None:
    if await is_last_admin(session, user):
        raise ConflictError(LAST_ADMIN.format(user.name))


def _not_oneself(user: User, actor: User | None, problem: str) -> None:
    if actor is not None and actor.id == user.id:
        raise ConflictError(problem)


def _as_phone(words: str) -> str:
    """Return a search text in the stored form of phone numbers, if it is one."""
    try:
        return normalize_phone(words)
    except ValueError:
        return words


async def _flush_unique(session: AsyncSession) -> None:
    """Write; the unique index on the address decides between two concurrent requests."""
    try:
        await session.flush()
    except IntegrityError:
        raise ValidationError({"email": [TAKEN]}) from None
