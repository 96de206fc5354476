"""What a bulk action does to one record, by the services of its page.

A change returns how it is undone, or None if the record is so already. A check refuses what a
preview can know; the change itself refuses the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.accounts.services import archive_account, get_account, update_account
from quarterdeck_crm.deals.services import check_movable, get_deal, move_deal, update_deal
from quarterdeck_crm.goods.services import GOODS_EDITOR, archive_good, get_good
from quarterdeck_crm.models import OrderState, Task, User
from quarterdeck_crm.orders.actions import assign_order, check_assignable
from quarterdeck_crm.orders.services import check_move, get_order, move_order
from quarterdeck_crm.people.services import archive_person, get_person, require_edit_person
from quarterdeck_crm.permissions import require_edit, require_role
from quarterdeck_crm.tasks.services import (
    complete_task,
    get_task,
    require_change,
    update_task,
)
from quarterdeck_crm.validation.numbers import row_id

from .fields import set_field
from .tagging import read_record, set_tag


@dataclass(frozen=True, slots=True)
class Changed:
    """A changed row, and how ``bulk.undoing`` undoes it."""

    row: Any
    action: str
    before: dict[str, Any]


def may_edit_row(actor: User, row: Any) -> None:
    require_edit(actor, row)


def may_edit_person(actor: User, row: Any) -> None:
    require_edit_person(actor, row)


def may_keep_goods(actor: User, _row: Any) -> None:
    require_role(actor, GOODS_EDITOR)


def may_change_task(actor: User, row: Any) -> None:
    require_change(actor, row)


def may_assign_order(actor: User, row: Any) -> None:
    require_edit(actor, row)
    check_assignable(row)


def may_move_deal(actor: User, row: Any) -> None:
    require_edit(actor, row)
    check_movable(row)


def may_move_order(target: OrderState) -> Callable[[User, Any], None]:
    """Return the check of a step of an order."""

    def check(actor: User, row: Any) -> None:
        require_edit(actor, row)
        check_move(row, target)

    return check


async def give_account(
    session: AsyncSession, actor: User | None, id_: int, value: str | None
) -> Changed | None:
    account = await get_account(session, account_id=id_)
    before = {"owner_id": account.owner_id}
    values = {"owner_id": _user_id(value)}
    if values == before:
        return None
    await update_account(
        session, actor=actor, account=account, values=values, version=account.version
    )
    return Changed(account, "owner", before)


async def give_order(
    session: AsyncSession, actor: User | None, id_: int, value: str | None
) -> Changed | None:
    order = await get_order(session, order_id=id_)
    before = {"owner_id": order.owner_id}
    await assign_order(session, actor=actor, order=order, owner_id=_user_id(value))
    return None if order.owner_id == before["owner_id"] else Changed(order, "owner", before)


async def give_deal(
    session: AsyncSession, actor: User | None, id_: int, value: str | None
) -> Changed | None:
    deal = await get_deal(session, deal_id=id_)
    before = {"owner_id": deal.owner_id}
    values = {"owner_id": _user_id(value)}
    if values == before:
        return None
    await update_deal(session, actor=actor, deal=deal, values=values, version=deal.version)
    return Changed(deal, "owner", before)


async def give_task(
    session: AsyncSession, actor: User | None, id_: int, value: str | None
) -> Changed | None:
    task = await get_task(session, task_id=id_)
    before = {"assignee_id": task.assignee_id}
    values = {"assignee_id": _user_id(value)}
    if values == before:
        return None
    await update_task(session, actor=actor, task=task, values=values, version=task.version)
    return Changed(task, "owner", before)


async def put_account_away(
    session: AsyncSession, actor: User | None, id_: int, _value: str | None
) -> Changed | None:
    account = await get_account(session, account_id=id_)
    was_archived = account.is_archived
    await archive_account(session, actor=actor, account=account)
    return None if was_archived else Changed(account, "archived", {})


async def put_good_away(
    session: AsyncSession, actor: User | None, id_: int, _value: str | None
) -> Changed | None:
    good = await get_good(session, good_id=id_)
    was_archived = good.is_archived
    await archive_good(session, actor=actor, good=good)
    return None if was_archived else Changed(good, "archived", {})


async def put_person_away(
    session: AsyncSession, actor: User | None, id_: int, _value: str | None
) -> Changed | None:
    person = await get_person(session, person_id=id_)
    was_archived = person.is_archived
    await archive_person(session, actor=actor, person=person)
    return None if was_archived else Changed(person, "archived", {})


def moving_order(target: OrderState) -> Any:
    """Return the change that takes an order a step further."""

    async def change(
        session: AsyncSession, actor: User | None, id_: int, _value: str | None
    ) -> Changed | None:
        order = await get_order(session, order_id=id_)
        before = {"state": order.state, "shipped_on": order.shipped_on}
        await move_order(session, actor=actor, order=order, target=target)
        return Changed(order, "moved", before)

    return change


async def take_deal(
    session: AsyncSession, actor: User | None, id_: int, value: str | None
) -> Changed | None:
    deal = await get_deal(session, deal_id=id_)
    before = {"stage_id": deal.stage_id, "lost_reason": deal.lost_reason}
    deal = await move_deal(session, actor=actor, deal_id=id_, stage_id=row_id(value or "") or 0)
    return None if deal.stage_id == before["stage_id"] else Changed(deal, "moved", before)


async def finish_task(
    session: AsyncSession, actor: User | None, id_: int, _value: str | None
) -> Changed | None:
    was_done = (await get_task(session, task_id=id_)).is_done
    await complete_task(session, actor=actor, task_id=id_)
    return None if was_done else Changed(await session.get_one(Task, id_), "done", {})


def tagging(table: str, *, has: bool) -> Any:
    """Return the change that adds a tag to a record of a table, or removes it."""

    async def change(
        session: AsyncSession, actor: User | None, id_: int, value: str | None
    ) -> Changed | None:
        record, tag_id = await read_record(session, table, id_), row_id(value or "") or 0
        if not await set_tag(session, actor=actor, record=record, tag_id=tag_id, has=has):
            return None
        return Changed(record, "tag", {"tag_id": tag_id, "has": not has})

    return change


def setting_field(table: str) -> Any:
    """Return the change that sets a custom field of a record of a table."""

    async def change(
        session: AsyncSession, actor: User | None, id_: int, value: str | None
    ) -> Changed | None:
        record = await read_record(session, table, id_)
        before = await set_field(session, actor=actor, record=record, value=value or "")
        return None if before is None else Changed(record, "field", before)

    return change


def _user_id(value: str | None) -> int | None:
    """Return the id of the chosen user; None is no owner, and 0 is nobody, which is refused."""
    return None if not value else row_id(value) or 0
