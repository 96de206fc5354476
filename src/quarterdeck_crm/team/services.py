"""The rules for people: who may sign in, as what, and who can no longer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from quarterdeck.login import hash_password
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.errors import ConflictError, NotFoundError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.live.announce import announce_person
from quarterdeck_crm.live.endings import look_again
from quarterdeck_crm.models import Role, User, UserKind

from .phones import normalize_phone

MIN_PASSWORD = 10
NO_PASSWORD = "none"  # noqa: S105 - no hash, so no password matches it
MAX_PASSWORD = 128  # hashing a megabyte would be a gift to an attacker

LAST_ADMIN = "{} is the last active administrator. Make somebody else one first."

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "name": User.name,
    "email": User.email,
    "role": User.role,
    "department": User.department,
    "created": User.created_at,
}
FILTERS = ("role", "kind", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonData:
    """All that an administrator can say about a person."""

    email: str
    name: str
    role: Role = Role.USER
    kind: UserKind = UserKind.STANDARD
    department: str | None = None
    phone: str | None = None
    balance: Decimal = Decimal(0)


async def list_people(session: AsyncSession, *, listing: Listing) -> Pagination[User]:
    """Return a page of the team, searched by name, address, department and phone."""
    statement = select(User).where(*_conditions(listing))
    column = SORTS[listing.sort]
    statement = statement.order_by(column.desc() if listing.descending else column, User.id)
    return await db.paginate(
        statement, page=listing.page, per_page=listing.per_page, session=session
    )


def _conditions(listing: Listing) -> Iterator[ColumnElement[bool]]:
    if listing.q:
        columns = (User.name, User.email, User.department, User.phone)
        words = {listing.q, _as_phone(listing.q)}
        yield or_(*(c.icontains(word, autoescape=True) for c in columns for word in words))
    if (role := listing.filters.get("role")) in list(Role):
        yield User.role == role
    if (kind := listing.filters.get("kind")) in list(UserKind):
        yield User.kind == kind
    if (state := listing.filters.get("state")) in {"active", "disabled"}:
        yield User.is_active.is_(state == "active")


async def all_people(session: AsyncSession) -> Sequence[User]:
    """Return everybody, by address."""
    return (await session.scalars(select(User).order_by(User.email))).all()


async def get_person(session: AsyncSession, person_id: int) -> User:
    """Return a person.

    Raises:
        NotFoundError: If there is none with that id.
    """
    person = await session.get(User, person_id)
    if person is None:
        raise NotFoundError("There is no such person in the team.")
    return person


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """Return the person with an address, however it is written."""
    return await session.scalar(select(User).where(User.email == email.strip().lower()))


async def find_by_phone(session: AsyncSession, number: str) -> User:
    """Return the person with a phone number, the longest-serving one if several share it.

    Raises:
        NotFoundError: If nobody has it.
    """
    person = await session.scalar(select(User).where(User.phone == number).order_by(User.id))
    if person is None:
        raise NotFoundError(f"Nobody in the team has the phone number {number}.")
    return person


async def create_person(
    session: AsyncSession, *, data: PersonData, password_hash: str = NO_PASSWORD
) -> User:
    """Add a person; without a password they cannot sign in until a link has set one.

    Raises:
        ValidationError: If an entry is not acceptable, or the address is taken.
    """
    person = User(**_checked(data), password_hash=password_hash, is_active=True, auth_version=1)
    session.add(person)
    await _flush_unique(session)
    announce_person(session, person, action="created")
    return person


async def edit_person(session: AsyncSession, *, person: User, data: PersonData) -> None:
    """Change what is known about a person.

    Raises:
        ValidationError: If an entry is not acceptable, the address is taken, or nobody would
            administer the team any more.
    """
    values = _checked(data)
    if values["role"] is not Role.ADMIN and await _is_last_admin(session, person):
        raise ValidationError({"role": [LAST_ADMIN.format(person.name)]})
    for name, value in values.items():
        setattr(person, name, value)
    await _flush_unique(session)
    look_again(session, person_id=person.id)
    announce_person(session, person, action="changed")


async def edit_own(session: AsyncSession, *, person: User, name: str, phone: str | None) -> None:
    """Change what people may change about themselves.

    Raises:
        ValidationError: If an entry is not acceptable.
    """
    person.name, person.phone = _name(name), _phone(phone)
    await session.flush()
    announce_person(session, person, action="changed")


async def set_password(session: AsyncSession, *, person: User, password_hash: str) -> None:
    """Give a person a new password and end all their browser sessions."""
    person.password_hash = password_hash
    end_sessions(session, person=person)
    await session.flush()


async def disable_person(session: AsyncSession, *, person: User, actor: User | None) -> None:
    """Shut a person out, at once and everywhere; nothing of theirs is lost.

    Raises:
        ConflictError: If it is the actor, or the last active administrator.
    """
    _not_oneself(person, actor, "disable")
    await _refuse_last_admin(session, person)
    person.is_active = False
    end_sessions(session, person=person)
    await session.flush()
    announce_person(session, person, action="disabled")


async def enable_person(session: AsyncSession, *, person: User) -> None:
    """Let a disabled person in again, with the password they had."""
    person.is_active = True
    await session.flush()
    announce_person(session, person, action="enabled")


async def delete_person(session: AsyncSession, *, person: User, actor: User | None) -> None:
    """Remove a person of whom there is no trace.

    Raises:
        ConflictError: If anything refers to them, or they are the actor or the last
            active administrator.
    """
    _not_oneself(person, actor, "delete")
    await _refuse_last_admin(session, person)
    name = person.name
    look_again(session, person_id=person.id)
    await session.delete(person)
    try:
        await session.flush()
    except IntegrityError:
        # The foreign keys know best what refers to a person, now and in later versions.
        raise ConflictError(
            f"{name} has accounts, orders, notes or history. Disable this person instead."
        ) from None
    announce_person(session, person, action="deleted")


def end_sessions(session: AsyncSession, *, person: User) -> None:
    """Make every browser session of a person end at its next request, and every WebSocket now."""
    person.auth_version += 1
    look_again(session, person_id=person.id)


async def hash_new_password(password: str) -> str:
    """Return the hash of a password that somebody chose.

    It takes a tenth of a second, so call it before a transaction, not inside.

    Raises:
        ValidationError: If the password is too short to be safe or too long to be hashed.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        text = f"Choose a password of {MIN_PASSWORD} to {MAX_PASSWORD} characters."
        raise ValidationError({"password": [text]})
    return await hash_password(password)


async def active_admins(session: AsyncSession) -> int:
    """Return how many people can administer the team now."""
    statement = select(func.count()).where(User.role == Role.ADMIN, User.is_active)
    return await session.scalar(statement) or 0


async def _refuse_last_admin(session: AsyncSession, person: User) -> None:
    if await _is_last_admin(session, person):
        raise ConflictError(LAST_ADMIN.format(person.name))


async def _is_last_admin(session: AsyncSession, person: User) -> bool:
    if not (person.role is Role.ADMIN and person.is_active):
        return False
    # Locked, so that two administrators cannot remove each other at the same moment.
    admins = select(User.id).where(User.role == Role.ADMIN, User.is_active).with_for_update()
    return len((await session.scalars(admins)).all()) < 2


def _not_oneself(person: User, actor: User | None, verb: str) -> None:
    if actor is not None and actor.id == person.id:
        raise ConflictError(f"You cannot {verb} yourself. Ask another administrator.")


def _checked(data: PersonData) -> dict[str, Any]:
    """Return the columns of a person, in the form in which they are stored."""
    return {
        "email": _email(data.email),
        "name": _name(data.name),
        "role": data.role,
        "kind": data.kind,
        "department": (data.department or "").strip() or None,
        "phone": _phone(data.phone),
        "balance": data.balance,
    }


def _email(raw: str) -> str:
    try:
        address = validate_email(raw.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise ValidationError(
            {"email": ["Enter an e-mail address such as ada@example.com."]}
        ) from None
    return address.normalized.lower()


def _as_phone(words: str) -> str:
    """Return what was searched for as numbers are stored, if it is one."""
    try:
        return normalize_phone(words)
    except ValueError:
        return words


def _name(raw: str) -> str:
    name = " ".join(raw.split())
    if not name:
        raise ValidationError({"name": ["Enter a name."]})
    return name


def _phone(raw: str | None) -> str | None:
    if not (raw or "").strip():
        return None
    try:
        return normalize_phone(raw or "")
    except ValueError as error:
        raise ValidationError({"phone": [str(error)]}) from None


async def _flush_unique(session: AsyncSession) -> None:
    """Write; the unique index on the address decides between two who come at once."""
    try:
        await session.flush()
    except IntegrityError:
        raise ValidationError({"email": ["Somebody in the team has this address."]}) from None
