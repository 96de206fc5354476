"""The rules of roles and owners, in one place."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages.words import role_word

from .errors import ForbiddenError
from .models import Role, User


class Owned(Protocol):
    """A row with an owner; None means that everybody may take it."""

    owner_id: int | None


async def owner_problem(session: AsyncSession, user_id: int) -> str | None:
    """Return why a user cannot become the owner of a record; None if nothing is wrong."""
    user = await session.get(User, user_id)  # often the actor, whom the session holds
    if user is None:
        return _("Choose a user.")
    if {"name", "is_active"} & inspect(user).unloaded:  # of a list, with nothing but the name
        await session.refresh(user, ["name", "is_active"])
    if user.is_active:
        return None
    return _("%(name)s is disabled. Choose another user.", name=user.name)


def may_edit(actor: User | None, row: Owned) -> bool:
    """Whether ``actor`` may change ``row``: its owner may, and every moderator.

    The system (None: the command line, an import) may do everything.
    """
    if actor is None or actor.role.includes(Role.MODERATOR):
        return True
    return row.owner_id is None or row.owner_id == actor.id


def require_edit(actor: User | None, row: Owned) -> None:
    """Refuse changes that ``may_edit`` does not allow.

    Raises:
        ForbiddenError: If the row belongs to another user.
    """
    if not may_edit(actor, row):
        raise ForbiddenError(
            _("This belongs to another user. Ask its owner or a moderator to change it.")
        )


def require_role(actor: User | None, role: Role) -> None:
    """Refuse users of a lesser role; the system may do everything.

    Raises:
        ForbiddenError: If the role of ``actor`` does not include ``role``.
    """
    if actor is not None and not actor.role.includes(role):
        raise ForbiddenError(
            _("This needs the role %(role)s. Ask an administrator.", role=role_word(role))
        )
