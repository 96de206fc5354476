"""Checks of the entries of users: their data, profile and password."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import hash_password
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Role, User, UserKind
from quarterdeck_crm.validation import Problems
from quarterdeck_crm.validation.addresses import address_key, fit_address, fold_address
from quarterdeck_crm.validation.passwords import check_password

from .phones import normalize_phone

TAKEN = _l("Another user has this address, or one that looks the same.")
LAST_ADMIN = _l("{} is the last active administrator. Make another user an administrator first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserData:
    """The values of a user that an administrator can set."""

    email: str
    name: str
    role: Role = Role.USER
    kind: UserKind = UserKind.STANDARD
    department: str | None = None
    phone: str | None = None
    balance: Decimal = Decimal(0)


async def check_user(
    session: AsyncSession, *, data: UserData, user: User | None = None, lock: bool = True
) -> dict[str, Any]:
    """Return the columns of a user, new or edited, in the form in which they are stored.

    Args:
        session: The db session.
        data: The entries.
        user: The user that is edited.
        lock: Whether the rows that the rules depend on stay as they are until the transaction
            ends. False for a check of a form, outside of any transaction.

    Raises:
        ValidationError: With the problems of all entries at once: those that are not acceptable,
            an address that is taken, a role that would leave no administrator.
    """
    problems = Problems()
    values = {"role": data.role, "kind": data.kind, "balance": data.balance}
    values |= _check_profile(problems, {"name": data.name, "phone": data.phone})
    values |= problems.clean(
        User, {"department": data.department or ""}, fields=("department",), row=user
    )
    with problems.collected("email"):
        values["email"] = await _free_address(session, data.email, user)
    if (
        user is not None
        and data.role is not Role.ADMIN
        and await is_last_admin(session, user, lock=lock)
    ):
        problems.add("role", LAST_ADMIN.format(user.name))
    problems.raise_if_any()
    return values


def check_profile(*, name: str, phone: str | None, zone: str | None) -> dict[str, Any]:
    """Return the values that users change of their own profile.

    Raises:
        ValidationError: With the problems of all of them at once.
    """
    problems = Problems()
    values = _check_profile(problems, {"name": name, "phone": phone})
    values |= problems.clean(User, {"zone": zone}, fields=("zone",))
    problems.raise_if_any()
    return values


def _check_profile(problems: Problems, entered: Mapping[str, str | None]) -> dict[str, Any]:
    words = " ".join((entered["name"] or "").split())
    if not words:
        problems.add("name", _("Enter a name."))
    values = problems.clean(User, {"name": words}, fields=("name",))
    phone = (entered["phone"] or "").strip()
    with problems.collected("phone"):
        values["phone"] = normalize_phone(phone) if phone else None
    return values


async def check_new_password(password: str, *, email: str, name: str) -> None:
    """Check a new password.

    Args:
        password: As entered.
        email: The address of its user, which must not be the password.
        name: The name of its user, which must not be the password.

    Raises:
        ValidationError: If the password is too short, too long or easy to guess.
    """
    try:
        await asyncio.to_thread(check_password, password, personal=(email, name))
    except ValueError as error:
        raise ValidationError({"password": [str(error)]}) from None


async def hash_new_password(password: str, *, email: str, name: str) -> str:
    """Check a new password and return its hash.

    It takes a tenth of a second, so call it before a transaction, not inside.

    Raises:
        ValidationError: As ``check_new_password``.
    """
    await check_new_password(password, email=email, name=name)
    return await hash_password(password)


async def is_last_admin(session: AsyncSession, user: User, *, lock: bool = True) -> bool:
    """Whether a user is the only active administrator; ``lock`` keeps it so."""
    # Locked and read from the database, so that concurrent requests cannot remove each other's
    # administrators, and the last one is recognised whatever this session has read before.
    admins = select(User.id).where(User.role == Role.ADMIN, User.is_active)
    found = await session.scalars(admins.with_for_update() if lock else admins)
    return list(found) == [user.id]


async def _free_address(session: AsyncSession, raw: str, user: User | None) -> str:
    """Return an address in its stored form, for a new user or for the one that has it."""
    if user is not None and fold_address(raw) == user.email:
        return user.email
    email = fit_address(raw)
    statement = select(User.id).where(User.email_key == address_key(email))
    holder = await session.scalar(statement)
    if holder is not None and (user is None or holder != user.id):
        raise ValueError(TAKEN)
    return email
