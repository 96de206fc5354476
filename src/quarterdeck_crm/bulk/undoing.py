"""Undo: each changed record gets its old values back, unless it has changed since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.accounts.services import get_account, restore_account
from quarterdeck_crm.deals.services import get_deal, move_deal
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.goods.services import get_good, restore_good
from quarterdeck_crm.history.recording import store
from quarterdeck_crm.history.undo import UNDO_FOR
from quarterdeck_crm.mail.notices import mail_order_change
from quarterdeck_crm.models import (
    Account,
    Deal,
    Note,
    Order,
    OrderState,
    Task,
    UndoItem,
    UndoStep,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.notifications.records import get_record, name_of, owner_of
from quarterdeck_crm.notifications.services import notify_assigned
from quarterdeck_crm.orders.actions import take_back_move
from quarterdeck_crm.orders.services import get_order
from quarterdeck_crm.people.services import get_person, restore_person
from quarterdeck_crm.permissions import require_edit
from quarterdeck_crm.tasks.services import delete_task, get_task, reopen_task, require_change
from quarterdeck_crm.team.services import get_user

from .changes import may_assign_order
from .fields import put_field_back
from .tagging import SERVICES, read_record, set_tag

Undo = Callable[[AsyncSession, User, UndoItem], Awaitable[str | None]]


async def undo_step(session: AsyncSession, *, actor: User, key: str) -> list[str]:
    """Undo a step of one change, once, and return what stays as it is.

    Raises:
        ConflictError: If the step was undone before, is too old, or its record has changed since.
        ForbiddenError: If the actor may no longer edit the record.
        NotFoundError: If the actor has no such step, or the record is gone.
    """
    step = await claim(session, actor=actor, key=key)
    items = await session.scalars(
        select(UndoItem).where(UndoItem.step_id == step.id).order_by(UndoItem.id)
    )
    told = [await undo_item(session, actor=actor, item=item) for item in items]
    return [each for each in told if each]


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


async def undo_item(session: AsyncSession, *, actor: User, item: UndoItem) -> str | None:
    """Undo the change of one record, and return what stays as it is, if something does.

    Raises:
        ConflictError: If it has changed since.
        ForbiddenError: If the actor may no longer edit it.
        NotFoundError: If it is gone.
    """
    return await UNDO[item.kind, item.action](session, actor, item)


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


async def _reopen_task(session: AsyncSession, actor: User, item: UndoItem) -> str | None:
    """Reopen a task, and remove the next one of its series unless it was changed or has notes."""
    task = await get_task(session, task_id=item.subject_id)
    _require_unchanged(task, item, task.title)
    # Locked, so that a note which is added now waits, and is refused if the task goes.
    next_one = select(Task).where(Task.follows_id == task.id).with_for_update()
    follower = await session.scalar(next_one.execution_options(populate_existing=True))
    stays = follower is not None and (follower.version > 1 or await _has_notes(session, follower))
    if follower is not None and not stays:
        await delete_task(session, actor=actor, task=follower)
    await reopen_task(session, actor=actor, task_id=task.id)
    if not stays:
        return None
    return _("The next task stays, because it was changed or has notes.")


async def _has_notes(session: AsyncSession, task: Task) -> bool:
    of_it = Note.subject_type == task.__tablename__, Note.subject_id == task.id
    present = select(Note.id).where(*of_it, Note.removed_at.is_(None)).limit(1)
    return await session.scalar(present) is not None


async def _give_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    """Give a record back to its owner of before, who may be disabled by now.

    So the services are not asked, which give records to active users only.
    """
    row = await get_record(session, item.kind, item.subject_id)
    _require_unchanged(row, item, name_of(row))
    if isinstance(row, Task):
        require_change(actor, row)
    elif isinstance(row, Order):
        may_assign_order(actor, row)
    elif isinstance(row, Account | Deal):
        require_edit(actor, row)
    (owner_id,) = item.before.values()
    if owner_id is not None:
        await get_user(session, owner_id)
    before = owner_of(row)
    await store(session, actor=actor, row=row, values=item.before)
    if isinstance(row, Order):
        await mail_order_change(session, actor=actor, order=row)
    else:
        await notify_assigned(session, actor=actor, record=row, before=before)


async def _set_tag_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    record = await read_record(session, item.kind, item.subject_id)
    _require_unchanged(record, item, record.number if isinstance(record, Order) else record.name)
    await set_tag(session, actor=actor, record=record, **item.before)


async def _set_field_back(session: AsyncSession, actor: User, item: UndoItem) -> None:
    record = await read_record(session, item.kind, item.subject_id)
    _require_unchanged(record, item, record.number if isinstance(record, Order) else record.name)
    await put_field_back(session, actor=actor, record=record, **item.before)


# By the table of the record and the action that ``history.undo.note_undo`` was given.
UNDO: dict[tuple[str, str], Undo] = {
    ("account", "archived"): _restore_account,
    ("good", "archived"): _restore_good,
    ("person", "archived"): _restore_person,
    ("order", "moved"): _take_back_order,
    ("deal", "moved"): _move_deal_back,
    ("task", "done"): _reopen_task,
    ("account", "owner"): _give_back,
    ("deal", "owner"): _give_back,
    ("order", "owner"): _give_back,
    ("task", "owner"): _give_back,
    **{(table, "tag"): _set_tag_back for table in SERVICES},
    **{(table, "field"): _set_field_back for table in SERVICES},
}
