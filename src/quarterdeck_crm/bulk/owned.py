"""The open records of a user, and the colleague that gets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.models import (
    Account,
    Deal,
    NotificationKind,
    Order,
    StageKind,
    Task,
    User,
)
from quarterdeck_crm.notifications.services import notify
from quarterdeck_crm.orders.states import OPEN
from quarterdeck_crm.permissions import owner_problem
from quarterdeck_crm.validation.numbers import row_id


def _owned(user_id: int) -> Mapping[str, tuple[Any, tuple[ColumnElement[bool], ...]]]:
    """Return by list the model and the conditions of the records that someone must go on with."""
    return {
        "accounts": (Account, (Account.owner_id == user_id, Account.archived_at.is_(None))),
        "deals": (Deal, (Deal.owner_id == user_id, Deal.kind == StageKind.OPEN)),
        "orders": (Order, (Order.owner_id == user_id, Order.state.in_(OPEN))),
        "tasks": (Task, (Task.assignee_id == user_id, ~Task.is_done)),
    }


async def count_owned(session: AsyncSession, *, user_id: int) -> Mapping[str, int]:
    """Return how many open records of each list a user has."""
    owned = _owned(user_id)
    counts = [
        select(func.count(model.id)).where(*conditions).scalar_subquery().label(page)
        for page, (model, conditions) in owned.items()
    ]
    row = (await session.execute(select(*counts))).one()
    return dict(zip(owned, row, strict=True))


async def check_colleague(session: AsyncSession, *, user: User, to_id: int | None) -> User:
    """Return the colleague that gets the records of a user.

    Raises:
        ValidationError: If there is none of that id, it is the same user, or is disabled.
    """
    to = await session.get(User, to_id or 0, populate_existing=True)
    if to is None or to.id == user.id:
        raise ValidationError({"to": [_("Choose a colleague.")]})
    if problem := await owner_problem(session, to.id):
        raise ValidationError({"to": [problem]})
    return to


async def list_owned(session: AsyncSession, *, user_id: int) -> list[list[Any]]:
    """Return list and id of all open records of a user."""
    found: list[list[Any]] = []
    for page, (model, conditions) in _owned(user_id).items():
        ids = await session.scalars(select(model.id).where(*conditions).order_by(model.id))
        found += [[page, id_] for id_ in ids]
    return found


async def list_late(
    session: AsyncSession, *, user_id: int, known: Iterable[Iterable[Any]]
) -> list[list[Any]]:
    """Return open records that came to a disabled user after ``known`` were listed.

    Requests that were under way when the user was disabled may still add some. The lock waits
    for their end. An active user has no late records.
    """
    is_active = select(User.is_active).where(User.id == user_id).with_for_update()
    if await session.scalar(is_active) is not False:
        return []
    seen = {tuple(each) for each in known}
    owned = await list_owned(session, user_id=user_id)
    return [each for each in owned if tuple(each) not in seen]


async def notify_of_hand_over(
    session: AsyncSession, *, actor: User | None, value: str | None
) -> None:
    """Notify the colleague once of all records."""
    user_id, to_id = _from_value(value)
    user = await session.get(User, user_id)
    if user is not None:
        await notify(
            session,
            actor=actor,
            kind=NotificationKind.HANDED_OVER,
            record=user,
            user_ids={to_id},
        )


def colleague_of(value: str | None) -> str:
    """Return the new owner of a run's records, as their changes take it."""
    return str(_from_value(value)[1])


def giver_of(value: str | None) -> int:
    """Return the id of the user that a run takes the records from."""
    return _from_value(value)[0]


def as_value(user_id: int, to_id: int) -> str:
    """Return the argument of a run that gives the records of a user to a colleague."""
    return f"{user_id} {to_id}"


def _from_value(value: str | None) -> tuple[int, int]:
    user_id, _space, to_id = (value or "").partition(" ")
    return row_id(user_id) or 0, row_id(to_id) or 0
