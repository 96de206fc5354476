"""The lists whose records can be changed together, and the actions of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.goods.services import GOODS_EDITOR
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.lists.records import LISTS, RecordList
from quarterdeck_crm.models import (
    Account,
    Contact,
    Deal,
    Good,
    Order,
    OrderLine,
    OrderState,
    Person,
    Role,
    Task,
    User,
)
from quarterdeck_crm.orders.stock import plan_confirmations

from . import changes
from .changes import Changed

Change = Callable[[AsyncSession, User | None, int, str | None], Awaitable[Changed | None]]


@dataclass(frozen=True, slots=True)
class Action:
    """What is done to each record.

    Attributes:
        label: The words of the choice and of the button.
        change: Does it to one record.
        check: Refuses what a preview can know, by a domain error.
        needs: The entry that it needs: ``owner``, ``stage``, ``tag``, ``present tag`` (one that
            a selected record has), ``field`` (the key of a custom field and a value) or none.
        check_together: Returns the refusals, by id, of records that pass ``check`` one by one.
    """

    label: str
    change: Change
    check: Callable[[User, Any], None]
    needs: str | None = None
    check_together: Callable[[Sequence[Any]], Mapping[int, str]] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """The records of a list that can be changed together.

    Attributes:
        records: The list.
        rows: Loads the records of a preview, with what their checks look at.
        name: The attribute that names a record.
        actions: By name.
        least: The role that the actions need.
    """

    records: RecordList
    rows: Select[Any]
    name: str
    actions: Mapping[str, Action]
    least: Role = Role.USER

    @property
    def page(self) -> str:
        """The name of the blueprint of the list."""
        return self.records.page

    @property
    def model(self) -> type[Any]:
        return self.records.model

    async def select(
        self, session: AsyncSession, args: Mapping[str, str], *, actor: User, most: int | None
    ) -> tuple[list[int], bool]:
        """Return the ids of a page of the list, or of the whole list up to ``most``.

        Returns:
            The ids in the order of the list, and whether there are more.
        """
        listing = await self.records.read(session, args)
        if most is not None:
            listing = replace(listing, page=1, per_page=most, after=None, before=None)
        page = await self.records.find(session, listing=listing, actor=actor)
        return [row.id for row in page.items], bool(page.has_next)

    async def load(self, session: AsyncSession, ids: Sequence[int]) -> list[Any]:
        """Return the records that are still there, in the order of ``ids``."""
        statement = self.rows.where(self.model.id.in_(ids))
        found = {row.id: row for row in await session.scalars(statement)}
        return [found[id_] for id_ in ids if id_ in found]


def _step(label: str, target: OrderState) -> Action:
    return Action(label, changes.moving_order(target), changes.may_move_order(target))


def _extras(table: str, check: Callable[[User, Any], None]) -> dict[str, Action]:
    return {
        "tag": Action(_l("Add a tag"), changes.tagging(table, has=True), check, "tag"),
        "untag": Action(
            _l("Remove a tag"), changes.tagging(table, has=False), check, "present tag"
        ),
        "field": Action(_l("Set a custom field"), changes.setting_field(table), check, "field"),
    }


GIVE = _l("Change the owner")
ARCHIVE = _l("Archive")
KINDS: dict[str, Kind] = {
    kind.page: kind
    for kind in (
        Kind(
            LISTS["accounts"],
            select(Account),
            "name",
            {
                "owner": Action(GIVE, changes.give_account, changes.may_edit_row, "owner"),
                "archive": Action(ARCHIVE, changes.put_account_away, changes.may_edit_row),
            }
            | _extras("account", changes.may_edit_row),
        ),
        Kind(
            LISTS["people"],
            select(Person).options(selectinload(Person.contacts).joinedload(Contact.account)),
            "name",
            {"archive": Action(ARCHIVE, changes.put_person_away, changes.may_edit_person)}
            | _extras("person", changes.may_edit_person),
        ),
        Kind(
            LISTS["goods"],
            select(Good),
            "name",
            {"archive": Action(ARCHIVE, changes.put_good_away, changes.may_keep_goods)}
            | _extras("good", changes.may_keep_goods),
            least=GOODS_EDITOR,
        ),
        Kind(
            LISTS["orders"],
            select(Order).options(selectinload(Order.lines).joinedload(OrderLine.good)),
            "number",
            {
                "owner": Action(GIVE, changes.give_order, changes.may_assign_order, "owner"),
                "confirm": replace(
                    _step(_l("Confirm"), OrderState.CONFIRMED), check_together=plan_confirmations
                ),
                "ship": _step(_l("Mark as shipped"), OrderState.SHIPPED),
                "pay": _step(_l("Mark as paid"), OrderState.PAID),
                "cancel": _step(_l("Cancel the orders"), OrderState.CANCELLED),
            }
            | _extras("order", changes.may_edit_row),
        ),
        Kind(
            LISTS["deals"],
            select(Deal).options(joinedload(Deal.stage)),
            "name",
            {
                "owner": Action(GIVE, changes.give_deal, changes.may_edit_row, "owner"),
                "stage": Action(
                    _l("Take to another stage"), changes.take_deal, changes.may_move_deal, "stage"
                ),
            }
            | _extras("deal", changes.may_edit_row),
        ),
        Kind(
            LISTS["tasks"],
            select(Task),
            "title",
            {
                "owner": Action(
                    _l("Change the assignee"), changes.give_task, changes.may_change_task, "owner"
                ),
                "done": Action(_l("Mark as done"), changes.finish_task, changes.may_change_task),
            },
        ),
    )
}


def get_kind(page: str) -> Kind:
    """Return the records of a list.

    Raises:
        NotFoundError: If nothing of this name can be changed together.
    """
    if page not in KINDS:
        raise NotFoundError(_("There is no such list."))
    return KINDS[page]


def kind_of_table(table: str) -> Kind:
    """Return the kind of the records of a table."""
    return next(kind for kind in KINDS.values() if kind.model.__tablename__ == table)


def actions_for(page: str, user: User) -> list[tuple[str, str]]:
    """Return name and words of the bulk actions that a list offers to a user."""
    kind = KINDS[page]
    if not user.role.includes(kind.least):
        return []
    return [(name, action.label) for name, action in kind.actions.items()]
