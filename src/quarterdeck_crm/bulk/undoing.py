"""Undo: each changed record gets its old values back, unless it has changed since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.accounts.services import get_account, restore_account, update_account
from quarterdeck_crm.deals.services import get_deal, move_deal, update_deal
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.goods.services import get_good, restore_good
from quarterdeck_crm.history.undo import UNDO_FOR
from quarterdeck_crm.models import Order, OrderState, Task, UndoItem, UndoStep, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.orders.actions import assign_order, take_back_move
from quarterdeck_crm.orders.services import get_order
from quarterdeck_crm.people.services import get_person, restore_person
from quarterdeck_crm.tasks.services import delete_task, get_task, reopen_task, update_task

from .tagging import SERVICES, read_record, set_tag

Undo = Callable[[AsyncSession, User, UndoItem], Awaitable[None]]


async def undo_step(session: AsyncSession, *, actor: User, key: str) -> None:
    """Undo a step of one change, once.

    Raises:
        ConflictError: If the step was undone before, is too old, or its record has changed since.
        ForbiddenError: If the actor may no longer edit the record.
        NotFoundError: If the actor has no such step, or the record is gone.
    """
    step = await claim(session, actor=actor, key=key)
    for item in await session.scalars(
        select(UndoItem).where(UndoItem.step_id == step.id).order_by(UndoItem.id)
    ):
        await undo_item(session, actor=actor, item=item)


async def claim(session: AsyncSession, *, actor: User, key: str) -> UndoStep:
    """Mark a step as undone, by one conditional statement: of two clicks one gets it.

    Raises:
        ConflictError: If it was undone before, or is too old.
        NotFoundError: If the actor has no such step.
    """
    step = await session.scalar(
        select(UndoStep).where(UndoStep.key == key, UndoStep.user_id == actor.id)
    )
    if step is None:
        raise NotFoundError(_("There is nothing to undo. The change may be too old."))
    if step.created_at < utc_now() - UNDO_FOR:
        raise ConflictError(
            _("This can no longer be undone: changes can be undone for ten minutes.")
        )
    claimed = update(UndoStep).where(UndoStep.id == step.id, UndoStep.used_at.is_(None))
    unsynced = claimed.values(used_at=utc_now()).execution_options(synchronize_session=False)
    if not await changes_one(session, unsynced):
        raise ConflictError(_("This was undone before."))
    return step


async def undo_item(session: AsyncSession, *, actor: User, item: UndoItem) -> None:
    """Undo the change of one record.

    Raises:
        ConflictError: If it has changed since.
        ForbiddenError: If the actor may no longer edit it.
        NotFoundError: If it is gone.
    """
    await UNDO[item.kind, item.action](session, actor, item)


def _require_unchanged(row: Any, item: UndoItem, name: str) -> None:
    if row.version != item.version:
        raise ConflictError(
            _("'%(name)s' was changed in the meantime. It stays as it is now.", name=name)
        )


async def _restore_account(session: AsyncSession, actor: User, item: UndoItem) -> None:
    account = await get_account(session, account_id=item.subject_id)
    _require_unchanged(account, item, account.name)
    await restore_account(session, actor=actor, account=account)


async def _restore_good(session: AsyncSession, actor: User, item: UndoItem) -> None:
    good = await get_good(session, good_id=item.subject_id)
    _require_unchanged(good, item, good.name)
    await restore_good(session, actor=actor, good=good)


async def _restore_person(session: AsyncSession, actor: User, item: UndoItem) -> None:
    person = await get_person(session, person_id=item.subject_id)
    _require_unchanged(person, item, person.name)
    await restore_person(session, actor=actor, person=person)


async def _take_back_order(session: AsyncSession, actor: User, item: UndoItem) -> None:
    order = await get_order(session, order_id=item.subject_id)
    _require_unchanged(order, item, order.number)
    shipped_on = item.before["shipped_on"]
    await take_back_move(
        session,
        actor=actor,
        order=order,
        state=OrderState(item.before["state"]),
        shipped_on=date.fromisoformat(shipped_on) if shipped_on else None,
        version=item.version,
    )


async def _move_deal_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    deal = await get_deal(session, deal_id=item.subject_id)
    _require_unchanged(deal, item, deal.name)
    await move_deal(
        session,
        actor=actor,
        deal_id=deal.id,
        stage_id=item.before["stage_id"],
        lost_reason=item.before["lost_reason"],
        version=item.version,
    )


async def _reopen_task(session: AsyncSession, actor: User, item: UndoItem) -> None:
    """Reopen a task, and remove the next one of its series if nobody has touched that."""
    task = await get_task(session, task_id=item.subject_id)
    _require_unchanged(task, item, task.title)
    follower = await session.scalar(select(Task).where(Task.follows_id == task.id))
    if follower is not None and follower.version == 1:
        await delete_task(session, actor=actor, task=follower)
    await reopen_task(session, actor=actor, task_id=task.id)


async def _give_account_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    account = await get_account(session, account_id=item.subject_id)
    _require_unchanged(account, item, account.name)
    await update_account(
        session, actor=actor, account=account, values=item.before, version=item.version
    )


async def _give_deal_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    deal = await get_deal(session, deal_id=item.subject_id)
    _require_unchanged(deal, item, deal.name)
    await update_deal(session, actor=actor, deal=deal, values=item.before, version=item.version)


async def _give_order_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    order = await get_order(session, order_id=item.subject_id)
    _require_unchanged(order, item, order.number)
    await assign_order(
        session,
        actor=actor,
        order=order,
        owner_id=item.before["owner_id"],
        version=item.version,
    )


async def _give_task_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    task = await get_task(session, task_id=item.subject_id)
    _require_unchanged(task, item, task.title)
    await update_task(session, actor=actor, task=task, values=item.before, version=item.version)


async def _set_tag_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    record = await read_record(session, item.kind, item.subject_id)
    _require_unchanged(record, item, record.number if isinstance(record, Order) else record.name)
    await set_tag(session, actor=actor, record=record, **item.before)


# By the table of the record and the action that ``history.undo.note_undo`` was given.
UNDO: dict[tuple[str, str], Undo] = {
    ("account", "archived"): _restore_account,
    ("good", "archived"): _restore_good,
    ("person", "archived"): _restore_person,
    ("order", "moved"): _take_back_order,
    ("deal", "moved"): _move_deal_back,
    ("task", "done"): _reopen_task,
    ("account", "owner"): _give_account_back,
    ("deal", "owner"): _give_deal_back,
    ("order", "owner"): _give_order_back,
    ("task", "owner"): _give_task_back,
    **{(table, "tag"): _set_tag_back for table in SERVICES},
}
